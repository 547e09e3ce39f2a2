package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/prometheus/procfs"

	"github.com/gocmem/cmem/examples/proxy/internal/report"
	"github.com/gocmem/cmem/examples/proxy/internal/status"
	"github.com/gocmem/cmem/examples/proxy/launch"
)

const (
	// sampleInterval is the time between two looks at the proxy's memory.
	sampleInterval = 100 * time.Millisecond
	// tellInterval is the time between two lines that say how it goes.
	tellInterval = 2 * time.Second
	// warmUp is the part of the load that the means leave out, counted from when
	// every key was set once.
	warmUp = time.Second
	// minLoad leaves enough of the load for the means.
	minLoad = 2 * warmUp
	// fillTimeout is the most that setting every key once may take.
	fillTimeout = 60 * time.Second
	stopTimeout = 10 * time.Second
)

// sample is the proxy's memory at one moment, in bytes.
type sample struct {
	at   time.Time
	rss  uint64 // as the kernel counts it
	live int64  // bodies held, as the proxy counts them
}

// trial is what was seen of one allocator.
type trial struct {
	alloc   string
	store   string // the memcached that served
	samples []sample
	report  *report.Report
	// The metrics page when the load began and when it had ended.
	before, after *status.Snapshot
}

// runTrial loads a proxy with the given allocator and then leaves it alone. No
// process is left when it returns.
func runTrial(ctx context.Context, opts *options, bin programs, alloc, scratch string) (t *trial, err error) {
	store, err := launch.AnyStore(opts.memcached, opts.memoryMB)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Stop()) }()
	proxy, err := launch.StartProxy(bin.proxy,
		"-servers", store.Addr,
		"-alloc", alloc,
		"-hold", opts.hold.String(),
		"-max-conns", strconv.Itoa(opts.conns))
	if err != nil {
		return nil, err
	}
	// Its exit status tells whether every block was freed.
	defer func() { err = errors.Join(err, proxy.Stop(stopTimeout)) }()

	t = &trial{alloc: alloc, store: store.Name}
	sampling, stop := context.WithCancel(ctx)
	sampled := make(chan error, 1)
	go func() { sampled <- t.watch(sampling, proxy) }()
	err = t.load(ctx, opts, bin, proxy, filepath.Join(scratch, alloc+".json"))
	if err == nil {
		fmt.Printf("demo: %s: %v of silence\n", alloc, opts.silence)
		err = pause(ctx, opts.silence)
	}
	stop()
	return t, errors.Join(err, <-sampled)
}

// load runs the load generator and reads its report.
func (t *trial) load(ctx context.Context, opts *options, bin programs, proxy *launch.Proxy, jsonFile string) error {
	fmt.Printf("demo: %s: %v of load, with %s\n", t.alloc, opts.load, t.store)
	gen, err := launch.Start(bin.loadgen, opts.flagsFor(proxy.Addr, jsonFile))
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { gen.Stop(stopTimeout) })()
	if _, err = gen.Await("loadgen: every key is set", fillTimeout); err == nil {
		t.before, err = status.Fetch(ctx, proxy.Metrics)
	}
	if err != nil {
		gen.Stop(stopTimeout)
		return err
	}
	err = gen.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("%w\n%s", err, gen.Output())
	}
	if t.after, err = status.Fetch(ctx, proxy.Metrics); err != nil {
		return err
	}
	data, err := os.ReadFile(jsonFile)
	if err != nil {
		return err
	}
	t.report = new(report.Report)
	return json.Unmarshal(data, t.report)
}

// watch samples the proxy's memory until ctx is done.
func (t *trial) watch(ctx context.Context, proxy *launch.Proxy) error {
	process, err := procfs.NewProc(proxy.PID())
	if err != nil {
		return err
	}
	began := time.Now()
	told := began
	for ctx.Err() == nil {
		page, err := status.Fetch(ctx, proxy.Metrics)
		if err == nil {
			var stat procfs.ProcStat
			if stat, err = process.Stat(); err == nil {
				s := sample{time.Now(), uint64(stat.ResidentMemory()), page.LiveBytes}
				t.samples = append(t.samples, s)
				if s.at.Sub(told) >= tellInterval {
					told = s.at
					fmt.Printf("demo: %s: after %.0f s: RSS %.0f MiB, live bodies %.0f MiB\n",
						t.alloc, s.at.Sub(began).Seconds(), float64(s.rss)/mib, float64(s.live)/mib)
				}
			}
		}
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("watch the proxy's memory: %w", err)
		}
		pause(ctx, sampleInterval)
	}
	return nil
}

// pause waits for d, or less if ctx is done, which is its error.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// row is a line of the table. Sizes are in bytes.
type row struct {
	Alloc          string  `json:"alloc"`
	PeakRSS        uint64  `json:"peak_rss_bytes"`
	MeanLive       float64 `json:"mean_live_bytes"`
	RSSByLive      float64 `json:"mean_rss_by_live"` // mean RSS by mean live bytes, under load
	RSSAfter       uint64  `json:"rss_after_silence_bytes"`
	OpsPerSec      float64 `json:"ops_per_sec"`
	P99            float64 `json:"p99_ms"`
	GCCycles       uint64  `json:"gc_cycles"`       // under load
	GCShare        float64 `json:"gc_cpu_share"`    // of the CPU time that the proxy used under load
	VerifiedValues uint64  `json:"verified_values"` // read back and equal to what was set
}

// sumUp makes a line of the table of a trial that went well.
func (t *trial) sumUp() row {
	r := row{
		Alloc:          t.alloc,
		OpsPerSec:      t.report.OpsPerSec,
		P99:            t.report.All.P99,
		GCCycles:       t.after.Go.GCCycles - t.before.Go.GCCycles,
		VerifiedValues: t.report.Hits,
	}
	if busy := t.after.Go.BusyCPUSeconds - t.before.Go.BusyCPUSeconds; busy > 0 {
		r.GCShare = (t.after.Go.GCCPUSeconds - t.before.Go.GCCPUSeconds) / busy
	}
	var rss, live, n float64
	from := t.report.Began.Add(warmUp)
	for _, s := range t.samples {
		r.PeakRSS = max(r.PeakRSS, s.rss)
		r.RSSAfter = s.rss
		if s.at.After(from) && s.at.Before(t.report.Ended) {
			rss += float64(s.rss)
			live += float64(s.live)
			n++
		}
	}
	if n > 0 {
		r.MeanLive = live / n
	}
	if live > 0 {
		r.RSSByLive = rss / live
	}
	return r
}
