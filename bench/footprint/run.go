package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A load is something to measure.
type load struct {
	name, about string
	modes       []string
	threads     []int         // numbers of threads to measure with; nil: the load has none of its own
	env         []string      // for the measured process
	runs        int           // by default
	window      time.Duration // by default; 0: the load takes as long as it takes
	watch       time.Duration // of silence after it
	costs       bool          // its trials have a cost: it is one for -pairs and -frontier
	rssLimit    float64       // of the RSS in -pairs, as a multiple of the pool's; 0: rssLimit
	measure     func(*trial) error
	// conclude makes of all trials what no single one tells; may be nil.
	conclude func([]*trial) []string
}

var loads = []*load{bodyLoad, lognormalLoad, recycleLoad, queueLoad, bimodalLoad, batchLoad, uploadLoad, tideLoad,
	burstLoad, lostLoad, vszLoad, memlimitLoad, steadyLoad}

// warmup is the load's time before the window, where many work at it.
const warmup = 2 * time.Second

// result is what -json writes.
type result struct {
	Go          string        `json:"go"`
	Seed        uint64        `json:"seed"`
	Trials      []*trial      `json:"trials"`
	Conclusions []string      `json:"conclusions,omitempty"`
	Comparisons []*comparison `json:"comparisons,omitempty"` // of -pairs
}

func run(o *options, out, errOut io.Writer) error {
	fmt.Fprintf(out, "%s; seed %d (-seed or CMEM_SEED repeats the choices); MB is 10^6 bytes\n", goVersion(), o.seed)
	if s := environment(); s != "" {
		fmt.Fprintf(out, "environment: %s\n", s)
	}
	if o.csv != "" {
		if err := os.MkdirAll(o.csv, 0o777); err != nil {
			return err
		}
	}
	if o.pairs > 0 {
		return runPairs(o, out, errOut)
	}
	o.leaveOut(out)
	if o.frontier != "" {
		return runFrontier(o, out, errOut)
	}
	all := result{Go: goVersion(), Seed: o.seed}
	for _, l := range o.loads {
		trials, err := l.run(o, errOut)
		if err != nil {
			return err
		}
		if len(trials) == 0 { // -modes has none of this load's
			continue
		}
		var lines []string
		if l.conclude != nil {
			lines = l.conclude(trials)
		}
		if err := writeReport(out, l, trials, lines, o.where); err != nil {
			return err
		}
		all.Trials = append(all.Trials, trials...)
		for _, line := range lines {
			all.Conclusions = append(all.Conclusions, l.name+": "+line)
		}
	}
	return writeJSON(o.json, &all, out)
}

// environment is what is set of the variables that change footprints; measured processes inherit them.
func environment() string {
	var set []string
	for _, name := range []string{"GOGC", "GOMEMLIMIT", "GODEBUG", "CMEMDEBUG", "MALLOC_ARENA_MAX", "GLIBC_TUNABLES",
		"LD_PRELOAD"} {
		if v := os.Getenv(name); v != "" {
			set = append(set, name+"="+v)
		}
	}
	return strings.Join(set, " ")
}

// run measures all modes of a load, run by run, so that what else the machine does falls on all modes alike.
func (l *load) run(o *options, errOut io.Writer) ([]*trial, error) {
	runs := l.runs
	switch {
	case o.runs > 0:
		runs = o.runs
	case o.quick:
		runs = 1
	}
	var orders []order
	for run := 1; run <= runs; run++ {
		for _, procs := range o.procs {
			orders = append(orders, l.orders(o, procs, run)...)
		}
	}
	var trials []*trial
	for i, ord := range orders {
		fmt.Fprintf(errOut, "footprint: %s %d/%d: %s, %d CPUs, run %d\n", l.name, i+1, len(orders), ord.label(), ord.Procs,
			ord.Run)
		t, err := spawn(l, ord, errOut)
		if err != nil {
			return nil, err
		}
		trials = append(trials, t)
	}
	return trials, nil
}

// orders are those of one run.
func (l *load) orders(o *options, procs, run int) []order {
	threads := l.threads
	switch {
	case threads == nil:
		threads = []int{0}
	case o.quick:
		threads = threads[:1]
	}
	var orders []order
	for _, n := range threads {
		for _, mode := range l.modes {
			if o.modes != nil && !slices.Contains(o.modes, mode) || slices.Contains(o.without, mode) {
				continue
			}
			ord := l.order(o, mode, procs, run)
			ord.Threads = n
			for _, ord.Idle = range o.idles(mode) {
				if o.frontier != "" {
					ord.Warmup, ord.Watch = o.settling(ord.Idle), 0
				}
				if o.csv != "" {
					ord.CSV = filepath.Join(o.csv, ord.file())
				}
				orders = append(orders, ord)
			}
		}
	}
	return orders
}

// idles are the idle limits to measure the mode with; nil is the default.
func (o *options) idles(mode string) []*time.Duration {
	if mode != modeCmem || len(o.idle) == 0 {
		return []*time.Duration{nil}
	}
	var all []*time.Duration
	for i := range o.idle {
		all = append(all, &o.idle[i])
	}
	return all
}

// order is that of a mode in a run.
func (l *load) order(o *options, mode string, procs, run int) order {
	ord := order{Load: l.name, Mode: mode, Procs: procs, Run: run, Seed: o.seed + uint64(run-1),
		Warmup: o.warmupTime(), Window: l.window, Watch: l.watch, Quick: o.quick, Changes: o.changes}
	if o.quick {
		ord.Window, ord.Watch = min(l.window, 2*time.Second), min(l.watch, time.Second/5)
	}
	if o.window != 0 {
		ord.Window = o.window
	}
	return ord
}

// warmupTime is how long a load goes on before the window.
func (o *options) warmupTime() time.Duration {
	switch {
	case o.warmup >= 0:
		return o.warmup
	case o.quick:
		return warmup / 10
	}
	return warmup
}

// leaveOut says which modes cannot be measured here, once, and leaves them out.
func (o *options) leaveOut(out io.Writer) {
	for _, mode := range bufferModes {
		if o.modes != nil && !slices.Contains(o.modes, mode) {
			continue
		}
		if err := lacks(mode); err != nil {
			o.without = append(o.without, mode)
			fmt.Fprintf(out, "left out: %v\n", err)
		}
	}
}

// file is the name of the order's series.
func (o *order) file() string {
	name := o.Load + "-" + o.Mode
	if o.Threads > 0 {
		name += fmt.Sprintf("-t%d", o.Threads)
	}
	if o.Idle != nil {
		name += fmt.Sprintf("-idle%v", *o.Idle)
	}
	return fmt.Sprintf("%s-p%d-%d.csv", name, o.Procs, o.Run)
}
