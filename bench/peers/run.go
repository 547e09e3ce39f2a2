package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"

	"github.com/gocmem/cmem/bench/internal/bench"
)

// A runner measures, and keeps the children: one for each library that is preloaded, and one for garbage, under "".
type runner struct {
	config
	progress io.Writer
	children map[string]*child
	report   report
}

// measure does all that the configuration asks for.
func measure(cfg config, progress io.Writer) (*report, error) {
	r := &runner{config: cfg, progress: progress, children: make(map[string]*child)}
	r.report = report{Machine: bench.ThisHost(), Date: time.Now().UTC(), Rounds: cfg.rounds, RoundTime: cfg.time.String(),
		Seed: seed}
	defer r.stop()
	if err := r.start(); err != nil {
		return nil, err
	}
	for _, p := range r.peers {
		r.report.Peers = append(r.report.Peers, peerInfo{p.name, p.about, p.module, p.version()})
	}
	var cases []workCase
	for _, w := range r.workloads {
		r.report.Workloads = append(r.report.Workloads, workloadInfo{w.name, w.about})
		cases = append(cases, w.cases...)
	}
	for i, c := range cases {
		start := time.Now()
		res, err := r.measureCase(c)
		if err != nil {
			return nil, err
		}
		r.report.Results = append(r.report.Results, res)
		fmt.Fprintf(progress, "%d of %d: %v: %.1f s\n", i+1, len(cases), c, time.Since(start).Seconds())
	}
	return &r.report, r.rest()
}

// start starts the children, and leaves out the peers whose library is not there.
func (r *runner) start() error {
	var there []*peer
	for _, p := range r.peers {
		if p.library != "" {
			c, err := startPreloaded(p.library)
			if err != nil {
				r.note("%s is left out: %v", p.name, err)
				continue
			}
			r.children[p.library] = c
		}
		there = append(there, p)
	}
	r.peers = there
	if !haveCgo {
		r.note("this build has no cgo: peers in C are left out, and cmem is over Go memory")
	}
	c, err := startChild("")
	if err != nil {
		return err
	}
	r.children[""] = c
	return nil
}

func (r *runner) note(format string, args ...any) {
	r.report.Notes = append(r.report.Notes, fmt.Sprintf(format, args...))
}

func (r *runner) stop() {
	for _, c := range r.children {
		c.stop()
	}
}

// rest measures the memory at rest, after hold, where that was measured.
func (r *runner) rest() (err error) {
	i := slices.IndexFunc(r.workloads, func(w *workload) bool { return w.name == "hold" })
	if i < 0 || r.silence == 0 {
		return nil
	}
	load := 20 * r.time
	r.report.RestLoad, r.report.Silence = load.String(), r.silence.String()
	r.report.Rests, err = measureRest(r.workloads[i].cases, r.peers, load, r.silence, r.progress)
	return err
}

// A turn is a side in the rounds of a case.
type turn struct {
	side    side
	peer    string
	library string // of a control; "" for a peer
	ops     int
	rounds  []sample
}

// turns are those of all that take part in the case.
func (r *runner) turns(c workCase) []*turn {
	var all []*turn
	for _, p := range r.peers {
		if c.opener(p) == nil {
			continue
		}
		if p.library == "" && !p.garbage {
			all = append(all, &turn{side: newLocalSide(p, c), peer: p.name})
			continue
		}
		remote := r.children[p.library]
		all = append(all, &turn{side: &remoteSide{remote, p.name, c}, peer: p.name})
		if pool, err := findPeer(bare); p.library != "" && err == nil && c.opener(pool) != nil {
			all = append(all, &turn{side: &remoteSide{remote, bare, c}, library: p.library})
		}
	}
	return all
}

// measureCase has all take turns in each round; who begins changes from round to round, and so does the direction.
func (r *runner) measureCase(c workCase) (result, error) {
	all := r.turns(c)
	for _, t := range all {
		ops, err := t.side.calibrate(r.time)
		if err != nil {
			return result{}, err
		}
		t.ops = ops
	}
	for round := range r.rounds {
		order := slices.Concat(all[round%len(all):], all[:round%len(all)])
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for _, t := range order {
			s, err := t.side.turn(t.ops)
			if err != nil {
				return result{}, err
			}
			t.rounds = append(t.rounds, s)
		}
	}
	return collect(c, all)
}

// collect makes a result of the rounds, and empties all heaps and pools for the next case.
func collect(c workCase, all []*turn) (result, error) {
	var entries []entry
	var controls []control
	for _, t := range all {
		if err := t.side.finish(); err != nil {
			return result{}, err
		}
		t.side = nil
		if t.library != "" {
			controls = append(controls, control{Library: t.library, Rounds: t.rounds})
		} else {
			entries = append(entries, entry{Peer: t.peer, Rounds: t.rounds})
		}
	}
	runtime.GC()
	runtime.GC() // pools let go of their buffers at the second
	return newResult(c, entries, controls), nil
}
