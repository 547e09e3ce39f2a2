package main

import (
	"runtime"
	"sync/atomic"
	"time"

	"github.com/gocmem/cmem/cmem"
)

var memlimitLoad = &load{
	name: "memlimit",
	about: "GOMEMLIMIT=300MiB, GOGC=off; 200 MB held throughout, 20 MB of Go objects live, garbage made without pause; " +
		"held in Go, in cmem, in cmem with TrackMemoryLimit",
	modes:   []string{"make", "cmem", "tracked"},
	env:     []string{"GOMEMLIMIT=300MiB", "GOGC=off"}, // off: else the small Go heap would never come near the limit
	runs:    1,
	window:  10 * time.Second,
	measure: measureMemlimit,
}

const (
	memlimitHeld   = 200 // buffers of 1 MB
	memlimitObject = 32 << 10
	memlimitLive   = 20_000_000 / memlimitObject // objects
)

func measureMemlimit(t *trial) error {
	var heldBytes atomic.Int64
	w, err := newWatch(t, heldBytes.Load, t.Window)
	if err != nil {
		return err
	}
	if t.Mode == "tracked" {
		defer cmem.TrackMemoryLimit()()
	}
	w.open()
	held := holdBytes(t.Mode, &heldBytes)
	n := makeGarbage(t.Window)
	runtime.KeepAlive(held)
	if err := w.shut(); err != nil {
		return err
	}
	if err := w.end(); err != nil {
		return err
	}
	s, err := status()
	if err != nil {
		return err
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	in := w.between(w.from+t.Window/4, w.to)
	t.add(megabytes("held", mean(in, liveOf)), megabytes("RSS", mean(in, rssOf)), megabytes("peak RSS", float64(s.VmHWM)),
		megabytes("limit", 300<<20), figure{"garbage", "MB/s", float64(n) * memlimitObject / 1e6 / w.seconds(), 0},
		figure{"GCs", "1/s", float64(m.NumGC) / w.seconds(), 1}, figure{"CPU", "s", w.used.cpu.Seconds(), 2})
	return nil
}

// holdBytes fills the buffers.
func holdBytes(mode string, sum *atomic.Int64) [][]byte {
	get := cmem.Alloc
	if mode == "make" {
		get = func(n int) []byte { return make([]byte, n) }
	}
	var held [][]byte
	for range memlimitHeld {
		b := get(1e6)
		touch(b)
		held = append(held, b)
		sum.Add(int64(len(b)))
	}
	return held
}

// makeGarbage makes objects for this long, and returns how many. The last few stay alive.
func makeGarbage(d time.Duration) int {
	alive := make([][]byte, memlimitLive)
	n := 0
	for end := time.Now().Add(d); time.Now().Before(end); n++ {
		b := make([]byte, memlimitObject)
		touch(b)
		alive[n%len(alive)] = b
	}
	return n
}
