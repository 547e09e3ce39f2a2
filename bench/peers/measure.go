package main

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"
	"unsafe"
)

// A sample is one turn of a peer: what a buffer cost it.
type sample struct {
	Ns     float64 `json:"ns"`
	Allocs float64 `json:"allocs"` // of the Go heap
}

// A side is a peer at a workload, in this process or in a child.
type side interface {
	// calibrate makes a start, and finds how many operations take about d.
	calibrate(d time.Duration) (ops int, err error)
	// turn measures that many.
	turn(ops int) (sample, error)
	// finish gives back the live buffers and what the peer keeps.
	finish() error
}

// A localSide runs in this process.
type localSide struct {
	peer    *peer
	c       workCase
	session session
}

// newLocalSide returns p's side of the case; nil where p takes no part in it.
func newLocalSide(p *peer, c workCase) *localSide {
	open := c.opener(p)
	if open == nil {
		return nil
	}
	return &localSide{p, c, open()}
}

func (s *localSide) calibrate(d time.Duration) (int, error) {
	keepHeap()
	if err := s.begin(); err != nil {
		return 0, err
	}
	s.time(s.warmUp())
	if s.session.view != nil { // of what was taken, each page is new once: that is not what hold is about
		for start := time.Now(); time.Since(start) < 10*d; {
			s.time(s.warmUp())
		}
	}
	for n := s.c.Goroutines; ; n *= 2 {
		elapsed := s.time(n)
		if elapsed >= d/4 || n >= 1<<30 {
			return max(int(float64(n)*float64(d)/float64(max(elapsed, 1))), s.c.Goroutines), nil
		}
	}
}

// turn has the peer at work for a while before the clock starts, so that it has what it keeps;
// where there is garbage, the collector is done with what others left. CPU time counts: where n
// goroutines run on n CPUs, a buffer takes n times as long as they need for one on the whole.
func (s *localSide) turn(ops int) (sample, error) {
	if s.c.Procs > 0 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(s.c.Procs))
	}
	if s.peer.garbage {
		runtime.GC()
	}
	s.time(max(ops/4, min(ops, s.warmUp())))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	elapsed := s.time(ops)
	runtime.ReadMemStats(&after)
	if s.session.settle != nil {
		s.session.settle()
	}
	buffers := float64(ops) * float64(s.c.buffers())
	cpus := float64(min(s.c.Goroutines, runtime.GOMAXPROCS(0)))
	return sample{float64(elapsed.Nanoseconds()) * cpus / buffers, float64(after.Mallocs-before.Mallocs) / buffers}, nil
}

func (s *localSide) finish() error {
	s.end()
	if s.peer.reset != nil {
		s.peer.reset()
	}
	return nil
}

// heap is what a service has beside its buffers: without it, each buffer of some MiB that a pool
// makes would be reason for a collection, which empties the pools. Nothing touches it, so that it
// is no memory.
var heap []byte

func keepHeap() {
	if heap == nil {
		heap = make([]byte, 256<<20)
	}
}

// warmUp is how many operations it takes until a pool that was empty has all it needs.
func (s *localSide) warmUp() int {
	if s.session.view != nil {
		return 4 * held
	}
	return 8 * s.c.Goroutines
}

func (s *localSide) end() {
	if s.session.end != nil {
		s.session.end()
	}
}

// begin starts the session. Where it shows its live buffers, they are held against what was asked.
func (s *localSide) begin() error {
	if s.session.begin != nil {
		s.session.begin()
	}
	if s.session.view == nil {
		return nil
	}
	if err := checkLive(s.session.view, newSteps(s.c.Low, s.c.High)); err != nil {
		return fmt.Errorf("%v: %s: %w", s.c, s.peer.name, err)
	}
	return nil
}

// checkLive tells whether the buffers that hold begins with have the lengths asked for and no byte in common.
func checkLive(view func(int) []byte, asked *steps) error {
	type span struct{ from, to uintptr }
	var spans []span
	for i := range held {
		b := view(i)
		if len(b) != int(asked[i].size) {
			return fmt.Errorf("buffer %d has %d bytes: expected %d", i, len(b), asked[i].size)
		}
		from := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
		spans = append(spans, span{from, from + uintptr(len(b))})
	}
	slices.SortFunc(spans, func(a, b span) int {
		if a.from < b.from {
			return -1
		}
		return 1
	})
	for i := range spans[1:] {
		if spans[i].to > spans[i+1].from {
			return fmt.Errorf("two live buffers at %#x and %#x: the first has %d bytes", spans[i].from, spans[i+1].from,
				spans[i].to-spans[i].from)
		}
	}
	return nil
}

// time has the goroutines do ops operations, a share each.
func (s *localSide) time(ops int) time.Duration {
	if s.c.Goroutines == 1 {
		keep := new(sink)
		start := time.Now()
		s.session.run(ops, keep)
		return time.Since(start)
	}
	var all sync.WaitGroup
	ready := make(chan struct{})
	for i := range s.c.Goroutines {
		share := ops / s.c.Goroutines
		if i < ops%s.c.Goroutines {
			share++
		}
		all.Go(func() {
			keep := new(sink)
			<-ready
			s.session.run(share, keep)
		})
	}
	start := time.Now()
	close(ready)
	all.Wait()
	return time.Since(start)
}
