package main

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/gocmem/cmem/cmem"
)

// A state is what a process has done before.
type state struct{ name, about string }

const (
	fresh  = "fresh"
	alone  = "alone"
	mixed  = "mixed"
	wander = "wander"
	handed = "handed"
)

var states = []state{
	{fresh, "nothing"},
	{alone, "one goroutine after the other has used buffers of all sizes, one size after the other; collections in " +
		"between"},
	{mixed, "as alone, and then two goroutines did the same"},
	{wander, "64 goroutines have used buffers of all sizes, and were on another P, mostly, when they gave them back"},
	{handed, "buffers of all sizes went through a channel from one goroutine to another, one size after the other"},
}

const (
	wanderers  = 64
	stateDepth = 16                     // of handed's channel
	lifetime   = 100 * time.Microsecond // of a goroutine of alone and mixed
)

// enter brings the process into the state. Each of its parts, a size or the whole wandering, takes d.
func enter[B any](state string, heapOf func(size int) heap[B], d time.Duration) {
	switch state {
	case alone:
		useAll(1, heapOf, d)
	case mixed:
		useAll(1, heapOf, d)
		useAll(2, heapOf, d)
	case handed:
		for _, size := range pairSizes {
			q := newQueue(heapOf(size), stateDepth, false)
			during(d, func() { q.run(100) })
		}
	case wander:
		var heaps []heap[B]
		for _, size := range pairSizes {
			heaps = append(heaps, heapOf(size))
		}
		during(d, func() { wanderAbout(heaps) })
	}
}

// useAll has n goroutines use buffers, new ones again and again: on which Ps they are is chance.
// The collector has a part in that.
func useAll[B any](n int, heapOf func(size int) heap[B], d time.Duration) {
	for _, size := range pairSizes {
		h := heapOf(size)
		during(d, func() {
			parallel(n, func(int) { during(lifetime, func() { pairs(h, 10) }) })
		})
		runtime.GC()
	}
}

// during calls f until d has passed.
func during(d time.Duration, f func()) {
	for start := time.Now(); time.Since(start) < d; {
		f()
	}
}

func pairs[B any](h heap[B], n int) {
	for range n {
		b := h.get()
		h.bytes(b)[0] = 1
		h.put(b)
	}
}

// wanderAbout has goroutines that sleep with a buffer, so that they are likely to be on another P when they go on.
func wanderAbout[B any](heaps []heap[B]) {
	parallel(wanderers, func(i int) {
		random := rand.New(rand.NewPCG(1, uint64(i)))
		for range 20 {
			h := heaps[random.IntN(len(heaps))]
			b := h.get()
			h.bytes(b)[0] = 1
			if random.IntN(2) == 0 {
				time.Sleep(10 * time.Microsecond)
			} else {
				runtime.Gosched()
			}
			h.put(b)
		}
	})
}

// parallel runs n goroutines and waits for them.
func parallel(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			f(i)
		}()
	}
	wg.Wait()
}

// pairSides have their loops written out, so that Alloc and Free are inlined as in users' code.
func pairSides(tc testcase) []side {
	pool, size := poolOf(tc.Size), tc.Size
	return []side{
		{
			enter: func(d time.Duration) { enter(tc.State, cmemHeap, d) },
			run: func(ops int) {
				parallel(tc.Goroutines, func(int) {
					for range ops / tc.Goroutines {
						b := cmem.Alloc(size)
						b[0] = 1
						cmem.Free(b)
					}
				})
			},
			least: tc.Goroutines,
		},
		{
			enter: func(d time.Duration) { enter(tc.State, poolHeap, d) },
			run: func(ops int) {
				parallel(tc.Goroutines, func(int) {
					for range ops / tc.Goroutines {
						b := pool.Get().(*[]byte)
						(*b)[0] = 1
						pool.Put(b)
					}
				})
			},
			least: tc.Goroutines,
		},
	}
}

// known tells whether there is a state of this name.
func known(name string) bool {
	return slices.ContainsFunc(states, func(s state) bool { return s.name == name })
}
