// Command demo shows what the choice of an allocator does to the proxy. For each
// allocator it starts a memcached and a proxy, lets the load generator load
// them, and then nothing happens for a while; all the time it watches the proxy's
// memory. It prints a table and draws the memory over time.
//
// It builds the other two programs from the module it is run in, so it is to be
// run there: go run ./examples/proxy/demo
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gocmem/cmem/examples/proxy/internal/buffers"
	"github.com/gocmem/cmem/examples/proxy/internal/cli"
	"github.com/gocmem/cmem/internal/ending"
)

// options is what the flags say.
type options struct {
	out       string
	allocs    []string
	load      time.Duration
	silence   time.Duration
	conns     int
	keys      int
	hold      cli.Span
	memcached string
	memoryMB  int
	seed      uint64
}

func parseFlags() *options {
	o := &options{hold: cli.Span{Min: 50 * time.Millisecond, Max: 350 * time.Millisecond}}
	var allocs string
	fs := flag.NewFlagSet("demo", flag.ContinueOnError)
	fs.StringVar(&o.out, "out", "", "`directory` for the results; by default demo-out in the module's root")
	fs.StringVar(&allocs, "allocs", "make,cmem", "allocators to compare, of "+strings.Join(buffers.Names(), ", "))
	fs.DurationVar(&o.load, "load", 8*time.Second, "how long to load each")
	fs.DurationVar(&o.silence, "silence", 15*time.Second, "how long to wait after the load")
	fs.IntVar(&o.conns, "conns", 1024, "connections of the load generator")
	fs.IntVar(&o.keys, "keys", 2048, "keys in use")
	fs.Var(&o.hold, "hold", "how long the proxy keeps each body, a `span`, to stand for slow clients")
	fs.StringVar(&o.memcached, "memcached", "memcached",
		"the memcached `program`; where there is none, an in-process store serves in its place")
	fs.IntVar(&o.memoryMB, "memory", 1024, "memcached's memory in `megabytes`")
	fs.Uint64Var(&o.seed, "seed", 0, "seed of the load; 0 takes CMEM_SEED, or the time")
	cli.Parse(fs, func() error {
		o.allocs = strings.Split(allocs, ",")
		return o.check()
	})
	return o
}

// check finds the mistakes that a flag alone does not show, and settles the seed.
// What goes on to another program is checked there.
func (o *options) check() error {
	for _, name := range o.allocs {
		if _, err := buffers.New(name); err != nil {
			return fmt.Errorf("-allocs: %w", err)
		}
	}
	if o.load < minLoad {
		return fmt.Errorf("-load %v: expected at least %v", o.load, minLoad)
	}
	if o.silence < 0 {
		return fmt.Errorf("-silence %v: expected a duration", o.silence)
	}
	if o.memoryMB < 64 {
		return fmt.Errorf("-memory %d: expected at least 64 megabytes, for items of up to 8", o.memoryMB)
	}
	var err error
	o.seed, err = cli.Seed(o.seed)
	return err
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("demo: ")
	opts := parseFlags()
	ctx, stop := ending.Context()
	defer stop()
	if err := ending.Cause(ctx, run(ctx, opts)); err != nil {
		log.Print(err)
		os.Exit(ending.Status(err, 1))
	}
}

// programs are the paths of the other two.
type programs struct{ proxy, loadgen string }

func run(ctx context.Context, opts *options) error {
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	if opts.out == "" {
		opts.out = filepath.Join(root, "demo-out")
	}
	// It stays: there is nothing to remove then, whichever way the demo ends.
	scratch := filepath.Join(opts.out, "bin")
	if err := os.MkdirAll(scratch, 0o755); err != nil {
		return err
	}
	fmt.Printf("demo: compiling the proxy and the load generator (seed %d)\n", opts.seed)
	bin, err := build(ctx, root, scratch)
	if err != nil {
		return err
	}
	var trials []*trial
	for _, alloc := range opts.allocs {
		t, err := runTrial(ctx, opts, bin, alloc, scratch)
		if err != nil {
			return fmt.Errorf("allocator %s: %w", alloc, err)
		}
		trials = append(trials, t)
	}
	return present(opts, trials)
}

const proxyPackage = "github.com/gocmem/cmem/examples/proxy"

// moduleRoot returns the directory of the module this program is run in.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	file := strings.TrimSpace(string(out))
	if file == "" || file == os.DevNull {
		return "", fmt.Errorf("no go.mod here: run the demo within cmem's repository")
	}
	return filepath.Dir(file), nil
}

func build(ctx context.Context, root, into string) (programs, error) {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", into+string(filepath.Separator), proxyPackage,
		proxyPackage+"/loadgen")
	cmd.Dir = root
	cmd.WaitDelay = time.Second // for compilers that the go command leaves behind
	ending.Bind(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return programs{}, fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return programs{filepath.Join(into, "proxy"), filepath.Join(into, "loadgen")}, nil
}

// present prints the table and writes all results.
func present(opts *options, trials []*trial) error {
	var rows []row
	for _, t := range trials {
		rows = append(rows, t.sumUp())
	}
	about := caption(opts, trials[0])
	fmt.Println()
	if err := writeTable(os.Stdout, about, rows); err != nil {
		return err
	}
	chart := filepath.Join(opts.out, "rss.svg")
	if err := drawChart(chart, about, opts.load, trials); err != nil {
		return fmt.Errorf("draw %s: %w", chart, err)
	}
	data, err := json.MarshalIndent(struct {
		About []string `json:"about"`
		Rows  []row    `json:"rows"`
	}{about, rows}, "", "  ")
	if err != nil {
		return err
	}
	numbers := filepath.Join(opts.out, "demo.json")
	if err := os.WriteFile(numbers, append(data, '\n'), 0o644); err != nil {
		return err
	}
	fmt.Printf("\ndemo: wrote %s and %s\n", chart, numbers)
	return nil
}

// flagsFor returns the load generator's flags.
func (o *options) flagsFor(addr, jsonFile string) []string {
	return []string{
		"-addr", addr,
		"-conns", strconv.Itoa(o.conns),
		"-keys", strconv.Itoa(o.keys),
		"-duration", o.load.String(),
		"-multi", "0", // a get of many keys is held once for each, which would make up the p99
		"-seed", strconv.FormatUint(o.seed, 10),
		"-json", jsonFile,
	}
}
