// Command loadgen loads the proxy: it sets and gets bodies cut from real files
// over many connections, verifies every byte that comes back, and reports
// throughput, latencies and, with -metrics, the proxy's memory over time.
//
// Its exit status is 0 if every value read was what had been set, 1 if one was
// not or nothing could be done at all, and 2 for flags that make no sense.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gocmem/cmem/examples/proxy/internal/cli"
	"github.com/gocmem/cmem/examples/proxy/internal/report"
	"github.com/gocmem/cmem/internal/ending"
)

// options is what the flags say.
type options struct {
	addr        string
	conns, keys int
	duration    time.Duration
	sets, multi float64 // shares of all commands, and of the gets
	think       time.Duration
	min, max    cli.Size // of a body
	mean        cli.Size
	seed        uint64
	corpusDirs  string
	corpusSize  cli.Size
	metrics     string
	jsonFile    string
}

func parseFlags() *options {
	o := &options{min: 10 << 10, max: 3 << 20, mean: 100 << 10, corpusSize: 48 << 20}
	fs := flag.NewFlagSet("loadgen", flag.ContinueOnError)
	fs.StringVar(&o.addr, "addr", "127.0.0.1:11311", "the proxy, `host:port`")
	fs.IntVar(&o.conns, "conns", 64, "connections, each with one command at a time")
	fs.IntVar(&o.keys, "keys", 2048, "keys in use, divided among the connections")
	fs.DurationVar(&o.duration, "duration", 10*time.Second, "how long to load, once every key was set")
	fs.Float64Var(&o.sets, "sets", 0.3, "share of sets among the commands, 0 to 1")
	fs.Float64Var(&o.multi, "multi", 0.05, "share of gets for 2 to 4 keys among the gets, 0 to 1")
	fs.DurationVar(&o.think, "think", 0, "pause of a connection before each command")
	fs.Var(&o.min, "min", "smallest body, a `size`")
	fs.Var(&o.max, "max", "largest body, a `size`")
	fs.Var(&o.mean, "mean", "mean `size` of the bodies")
	fs.Uint64Var(&o.seed, "seed", 0, "seed of all random choices; 0 takes CMEM_SEED, or the time")
	fs.StringVar(&o.corpusDirs, "corpus", "",
		"directories to cut bodies from, a comma-separated `list`; by default Go's source tree,\nthe system's "+
			"documentation and its shared libraries")
	fs.Var(&o.corpusSize, "corpus-size", "how much of the files to read, a `size`")
	fs.StringVar(&o.metrics, "metrics", "", "`URL` of the proxy's metrics page, for its memory over time")
	fs.StringVar(&o.jsonFile, "json", "", "`file` to write the report to, as JSON")
	cli.Parse(fs, o.check)
	return o
}

// check finds the mistakes that a flag alone does not show, and settles the seed.
func (o *options) check() error {
	switch {
	case o.conns < 1:
		return fmt.Errorf("-conns %d: expected at least 1", o.conns)
	case o.keys < o.conns:
		return fmt.Errorf("-keys %d: expected at least one for each of %d connections", o.keys, o.conns)
	case o.duration <= 0:
		return fmt.Errorf("-duration %v: expected a duration above 0", o.duration)
	case o.think < 0:
		return fmt.Errorf("-think %v: expected a duration", o.think)
	case !(o.sets >= 0 && o.sets <= 1):
		return fmt.Errorf("-sets %v: expected a number from 0 to 1", o.sets)
	case !(o.multi >= 0 && o.multi <= 1):
		return fmt.Errorf("-multi %v: expected a number from 0 to 1", o.multi)
	case o.min > o.mean || o.mean > o.max:
		return fmt.Errorf("-min %v -mean %v -max %v: expected them in ascending order", &o.min, &o.mean, &o.max)
	case o.corpusSize < o.max:
		return fmt.Errorf("-corpus-size %v: expected no less than -max %v", &o.corpusSize, &o.max)
	}
	var err error
	o.seed, err = cli.Seed(o.seed)
	return err
}

// run is one run of the load generator.
type run struct {
	opts   *options
	corpus *corpus
	sizes  *sizes

	gets, sets         latencies
	sent, received     atomic.Uint64 // bytes of bodies
	bodies, bodyBytes  atomic.Uint64 // all that were set, before and during the load
	hits, misses       atomic.Uint64
	errors, mismatches atomic.Uint64
	rss                rssSeries
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("loadgen: ")
	opts := parseFlags()
	ctx, stop := ending.Context()
	defer stop()
	if err := load(ctx, opts); err != nil {
		log.Print(err)
		os.Exit(1)
	}
}

// load prepares a run, runs it and reports.
func load(ctx context.Context, opts *options) error {
	fmt.Printf("loadgen: seed %d (-seed or CMEM_SEED repeats the choices)\n", opts.seed)
	r, err := newRun(ctx, opts)
	if err != nil {
		return err
	}
	fmt.Printf("loadgen: bodies cut from %.1f MiB of %d files: %s\n",
		float64(len(r.corpus.data))/(1<<20), r.corpus.files, strings.Join(r.corpus.roots, ", "))
	began, ended := r.execute(ctx)
	rep := r.report(began, ended)
	printReport(rep)
	if opts.jsonFile != "" {
		if err := writeJSON(opts.jsonFile, rep); err != nil {
			return err
		}
	}
	switch {
	case rep.Mismatches > 0:
		return fmt.Errorf("%d values were not what had been set", rep.Mismatches)
	case rep.All.Count == 0:
		return errors.New("no command went well")
	}
	return nil
}

func newRun(ctx context.Context, opts *options) (*run, error) {
	sources := defaultSources(ctx)
	if opts.corpusDirs != "" {
		sources = nil
		for dir := range strings.SplitSeq(opts.corpusDirs, ",") {
			sources = append(sources, source{filepath.Clean(dir), anyFile})
		}
	}
	c, err := readCorpus(ctx, sources, int(opts.corpusSize), rand.New(rand.NewPCG(opts.seed, 0)))
	if err != nil {
		return nil, err
	}
	if len(c.data) < int(opts.max) {
		return nil, fmt.Errorf("the corpus has only %d bytes, less than the largest body, %d", len(c.data), opts.max)
	}
	s, err := newSizes(int(opts.min), int(opts.max), int(opts.mean))
	if err != nil {
		return nil, err
	}
	return &run{opts: opts, corpus: c, sizes: s, gets: newLatencies(), sets: newLatencies()}, nil
}

// execute sets every key and then loads the proxy. It returns when the latter
// began and ended.
func (r *run) execute(ctx context.Context) (began, ended time.Time) {
	workers := make([]*worker, r.opts.conns)
	for i := range workers {
		workers[i] = newWorker(r, i)
		defer workers[i].close()
	}
	each := func(work func(w *worker)) {
		var wg sync.WaitGroup
		for _, w := range workers {
			wg.Add(1)
			go func() {
				defer wg.Done()
				work(w)
			}()
		}
		wg.Wait()
	}
	if r.opts.metrics != "" {
		stop := r.rss.watch(ctx, r.opts.metrics)
		defer stop()
	}
	each(func(w *worker) { w.fill(ctx) })
	fmt.Println("loadgen: every key is set, loading")
	r.sent.Store(0) // the report is about what follows
	began = time.Now()
	loading, cancel := context.WithTimeout(ctx, r.opts.duration)
	defer cancel()
	each(func(w *worker) { w.loop(loading) })
	return began, time.Now()
}

func writeJSON(file string, rep *report.Report) error {
	data, err := json.MarshalIndent(rep, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o644)
}
