package main

import (
	"runtime"
	"sync/atomic"
	"time"

	"github.com/gocmem/cmem/cmem"
)

// The sides of handle: buffers that are given back when their owner is lost.

//go:noinline
func cmemHandle(size int) session {
	return session{run: func(ops int, keep *sink) {
		for i := range ops {
			h := cmem.New(size)
			b := h.Bytes()
			b[0] = byte(i)
			keep.b = b //cmemvet:ignore nobody reads it
			h.Free()
		}
	}}
}

// An owned buffer goes with its owner.
type owned struct{ b []byte }

// pending counts owners whose cleanup or finalizer has not run.
var pending atomic.Int64

//go:noinline
func cleanupHandle(size int) session {
	return session{run: func(ops int, keep *sink) {
		for i := range ops {
			o := &owned{make([]byte, size)}
			runtime.AddCleanup(o, func(n int64) { pending.Add(n) }, -1)
			o.b[0] = byte(i)
			keep.b = o.b
		}
		pending.Add(int64(ops))
	}, settle: awaitPending}
}

//go:noinline
func finalizerHandle(size int) session {
	return session{run: func(ops int, keep *sink) {
		for i := range ops {
			o := &owned{make([]byte, size)}
			runtime.SetFinalizer(o, func(*owned) { pending.Add(-1) })
			o.b[0] = byte(i)
			keep.b = o.b
		}
		pending.Add(int64(ops))
	}, settle: awaitPending}
}

// awaitPending collects until all cleanups have run, so that they do not run while another peer is
// measured. A second is the limit, for the collector may miss an owner that a register still points
// to.
func awaitPending() {
	for start := time.Now(); pending.Load() > 0 && time.Since(start) < time.Second; {
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	pending.Store(0)
}
