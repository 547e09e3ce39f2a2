package main

import (
	"errors"
	"time"

	"github.com/gocmem/cmem/bench/internal/bench"
)

// A trial is a case as it was measured.
type trial struct {
	*workload
	*testcase
	subjects []*subject
	samples  [][]sample // by subject, by round
}

// measure measures a case.
func measure(cfg *config, w *workload, c *testcase, subjects []*subject) (t *trial, err error) {
	t = &trial{w, c, subjects, make([][]sample, len(subjects))}
	ops, err := t.counts(cfg)
	if err != nil {
		return nil, err
	}
	children := make([]*child, len(subjects))
	defer func() { err = errors.Join(err, stopAll(children)) }()
	for i, s := range subjects {
		if w.fresh {
			continue
		}
		if children[i], err = startChild(cfg.program, s, t.args()); err != nil {
			return nil, err
		}
		if _, err := children[i].round(max(w.warm, 1)); err != nil {
			return nil, err
		}
	}
	for r := range cfg.rounds {
		for k := range subjects {
			i := (r + k) % len(subjects)
			s, err := t.round(cfg, i, children[i], ops[i])
			if err != nil {
				return nil, err
			}
			t.samples[i] = append(t.samples[i], s)
		}
	}
	return t, nil
}

func (t *trial) args() []string { return append([]string{t.run}, t.testcase.args...) }

// counts tells how many operations a round of each allocator has. They are counted in processes that end with that, so
// that those which are measured have all done the same.
func (t *trial) counts(cfg *config) ([]int, error) {
	ops := make([]int, len(t.subjects))
	for i, s := range t.subjects {
		switch {
		case t.ops > 0:
			ops[i] = t.ops
		case t.alike && i > 0:
			ops[i] = ops[0]
		default:
			if t.alike {
				s = t.subjects[theGlibc]
			}
			var err error
			if ops[i], err = t.count(cfg, s); err != nil {
				return nil, err
			}
		}
	}
	return ops, nil
}

// count finds how many operations take a round's time.
func (t *trial) count(cfg *config, s *subject) (int, error) {
	c, err := startChild(cfg.program, s, t.args())
	if err != nil {
		return 0, err
	}
	n := 0
	if _, err = c.round(max(t.warm, 1)); err == nil {
		n, err = c.count(cfg.time * time.Duration(max(t.stretch, 1)))
	}
	return n, errors.Join(err, c.stop())
}

// round runs one round of the i-th allocator, in its process or, where it has none, a fresh one. An eighth goes before
// it to warm the caches up, and for what an allocator does because time has gone by.
func (t *trial) round(cfg *config, i int, c *child, ops int) (sample, error) {
	if c != nil {
		if ops >= 8 {
			if s, err := c.round(ops / 8); err != nil {
				return s, err
			}
		}
		return c.round(ops)
	}
	c, err := startChild(cfg.program, t.subjects[i], t.args())
	if err != nil {
		return sample{}, err
	}
	s, err := c.round(ops)
	return s, errors.Join(err, c.stop())
}

func stopAll(children []*child) (err error) {
	for _, c := range children {
		if c != nil {
			err = errors.Join(err, c.stop())
		}
	}
	return err
}

// values are a figure of the i-th allocator's rounds.
func (t *trial) values(f *figure, i int) []float64 {
	rounds := t.samples[i]
	if f.last {
		rounds = rounds[len(rounds)-1:]
	}
	v := make([]float64, len(rounds))
	for r, s := range rounds {
		v[r] = f.of(s)
	}
	return v
}

func (t *trial) median(f *figure, i int) float64 { return bench.Median(t.values(f, i)) }

// ratio is the median of the rounds' ratios of one allocator to another; nil where that is 0 throughout.
func (t *trial) ratio(f *figure, one, other int) *float64 {
	var ratios []float64
	v, w := t.values(f, one), t.values(f, other)
	for r := range v {
		if w[r] > 0 {
			ratios = append(ratios, v[r]/w[r])
		}
	}
	if len(ratios) == 0 {
		return nil
	}
	m := bench.Median(ratios)
	return &m
}

// best is the allocator, other than cmem, with the least of a figure.
func (t *trial) best(f *figure) int {
	best := 1
	for i := range t.subjects[1:] {
		if t.median(f, i+1) < t.median(f, best) {
			best = i + 1
		}
	}
	return best
}
