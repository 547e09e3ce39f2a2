package main

import (
	"fmt"
	"io"
	"time"

	"github.com/prometheus/procfs"
)

// A rest is the resident memory of a process that has done nothing but hold for a while, in bytes.
type rest struct {
	Case  workCase `json:"case"`
	Peer  string   `json:"peer"`
	Start int64    `json:"start"` // before
	Peak  int64    `json:"peak"`
	After int64    `json:"after"` // after the silence
}

// restBatch is how many processes rest at the same time: their peaks have to fit into memory together.
const restBatch = 8

// share is what is left, after the silence, of the peak above the start.
func (r *rest) share() float64 {
	return float64(max(r.After-r.Start, 0)) / float64(max(r.Peak-r.Start, 1))
}

// measureRest runs each peer at each case of hold for load in a process of its own, one after
// another, and looks at each again after the silence.
func measureRest(cases []workCase, chosen []*peer, load, silence time.Duration, progress io.Writer) ([]rest, error) {
	var todo []rest
	for _, c := range cases {
		for _, p := range chosen {
			if c.opener(p) != nil {
				todo = append(todo, rest{Case: c, Peer: p.name})
			}
		}
	}
	for at := 0; at < len(todo); at += restBatch {
		batch := todo[at:min(at+restBatch, len(todo))]
		fmt.Fprintf(progress, "memory at rest: %d to %d of %d processes, %v of silence\n", at+1, at+len(batch), len(todo),
			silence)
		if err := restTogether(batch, load, silence); err != nil {
			return nil, err
		}
	}
	return todo, nil
}

// restTogether loads one process after another, so that none disturbs another's load.
func restTogether(batch []rest, load, silence time.Duration) error {
	type loaded struct {
		child *child
		since time.Time
	}
	var children []loaded
	defer func() {
		for _, l := range children {
			l.child.stop()
		}
	}()
	for i := range batch {
		c, err := batch[i].start(load)
		if err != nil {
			return err
		}
		children = append(children, loaded{c, time.Now()})
	}
	for i, l := range children {
		time.Sleep(time.Until(l.since.Add(silence)))
		a, err := l.child.ask(request{Do: "rss"})
		if err != nil {
			return err
		}
		batch[i].After = a.RSS
	}
	return nil
}

// start starts a process and has it do its load.
func (r *rest) start(load time.Duration) (*child, error) {
	p, err := findPeer(r.Peer)
	if err != nil {
		return nil, err
	}
	c, err := startChild(p.library)
	if err != nil {
		return nil, err
	}
	a, err := c.ask(request{Do: "load", Peer: r.Peer, Case: r.Case, Time: load})
	if err != nil {
		c.stop()
		return nil, err
	}
	r.Start, r.Peak = a.RSS, a.Peak
	return c, nil
}

// load does the side's work for about d, gives everything back, and tells the resident bytes before and at the most.
func (s *localSide) load(d time.Duration, a *reply) (err error) {
	if a.RSS, err = rss(); err != nil {
		return err
	}
	if err := s.begin(); err != nil {
		return err
	}
	for start := time.Now(); time.Since(start) < d; {
		s.time(held)
	}
	s.end()
	status, err := processStatus()
	a.Peak = int64(status.VmHWM)
	return err
}

// rss is this process's resident bytes.
func rss() (int64, error) {
	status, err := processStatus()
	return int64(status.VmRSS), err
}

func processStatus() (procfs.ProcStatus, error) {
	self, err := procfs.Self()
	if err != nil {
		return procfs.ProcStatus{}, fmt.Errorf("resident memory is read from Linux's /proc: %w", err)
	}
	return self.NewStatus()
}
