package main

import (
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/gocmem/cmem/cmem"
)

// sink keeps each buffer from being found useless.
var sink []byte

// A side allocates and frees n buffers. All sides are the same loop. The functions that make them are not inlined, because
// the compiler would not inline what is called in the copy of the closure, Alloc and Free among it, as it does in users' code.
type side func(n int)

//go:noinline
func cmemSide(size int) side {
	return func(n int) {
		for i := range n {
			b := cmem.Alloc(size)
			b[0] = byte(i)
			sink = b
			cmem.Free(b)
		}
	}
}

// poolSide keeps pointers in the pool, so that neither Get nor Put allocates.
//
//go:noinline
func poolSide(size int) side {
	pool := &sync.Pool{New: func() any {
		b := make([]byte, size)
		return &b
	}}
	return func(n int) {
		for i := range n {
			b := pool.Get().(*[]byte)
			(*b)[0] = byte(i)
			sink = *b
			pool.Put(b)
		}
	}
}

//go:noinline
func makeSide(size int) side {
	return func(n int) {
		for i := range n {
			b := make([]byte, size)
			b[0] = byte(i)
			sink = b
		}
	}
}

// A sample is one round of a side.
type sample struct{ ns, allocs float64 } // an operation

func (s side) sample(n int) sample {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	s(n)
	elapsed := time.Since(start)
	runtime.ReadMemStats(&after)
	return sample{float64(elapsed.Nanoseconds()) / float64(n), float64(after.Mallocs-before.Mallocs) / float64(n)}
}

// count finds how many operations take about d.
func (s side) count(d time.Duration) int {
	for n := 1; ; n *= 2 {
		start := time.Now()
		s(n)
		if elapsed := time.Since(start); elapsed >= d/4 || n >= 1<<40 {
			return max(int(float64(n)*float64(d)/float64(max(elapsed, 1))), 1)
		}
	}
}

// measure measures buffers of one size.
func measure(size int, cfg config) result {
	ours, pools := cmemSide(size), poolSide(size)
	n := (ours.count(cfg.time) + pools.count(cfg.time)) / 2 // the same for both
	n = max(n, 1)
	var a, b []sample
	var ratios []float64
	for round := range cfg.rounds {
		if round%2 == 0 {
			a = append(a, ours.sample(n))
			b = append(b, pools.sample(n))
		} else {
			b = append(b, pools.sample(n))
			a = append(a, ours.sample(n))
		}
		ratios = append(ratios, a[round].ns/b[round].ns)
	}
	// For reference, and afterwards: make keeps the collector busy, which would disturb the others.
	reference := makeSide(size)
	var c []sample
	n = reference.count(cfg.time)
	for range cfg.rounds {
		c = append(c, reference.sample(n))
	}
	sink = nil
	return result{size, medianCost(a), medianCost(b), medianCost(c), median(ratios)}
}

func medianCost(samples []sample) cost {
	var ns, allocs []float64
	for _, s := range samples {
		ns = append(ns, s.ns)
		allocs = append(allocs, s.allocs)
	}
	return cost{median(ns), median(allocs)}
}

// median is the middle one of values, or the mean of the two.
func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
