package main

import (
	"fmt"
	"runtime"
	"time"

	"github.com/prometheus/procfs"

	"github.com/gocmem/cmem/examples/recycle/modes"
)

// A sample is what is known at one moment. Sizes are in bytes, counts since the start.
type sample struct {
	seconds float64 // since the start
	phase   string

	// Go's figures (runtime.MemStats), and with them those of the mode's own heap, if it has one that tells.
	heapSys, heapAlloc, heapIdle, heapReleased int64

	makes int64
	live  int64 // in the buffers that are held
	kept  int64 // in the mode's store

	rss     int64
	peakRSS int64 // the highest that rss ever was

	gets        int64
	tooSmall    int64 // gets that got fewer bytes than they asked for
	gcs         int64
	cpu         float64 // seconds, in user mode and in the kernel
	minorFaults int64
}

// A meter takes samples of this process.
type meter struct {
	proc  procfs.Proc
	start time.Time
}

func newMeter() (*meter, error) {
	proc, err := procfs.Self()
	if err != nil {
		return nil, fmt.Errorf("the process's memory is read from /proc: %w", err)
	}
	return &meter{proc, time.Now()}, nil
}

// read takes a sample. It allocates some kilobytes.
func (m *meter) read(d *driver) (*sample, error) {
	stat, err := m.proc.Stat()
	if err != nil {
		return nil, err
	}
	status, err := m.proc.NewStatus()
	if err != nil {
		return nil, err
	}
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	s := &sample{
		seconds:      time.Since(m.start).Seconds(),
		phase:        d.phase,
		heapSys:      int64(mem.HeapSys),
		heapAlloc:    int64(mem.HeapAlloc),
		heapIdle:     int64(mem.HeapIdle),
		heapReleased: int64(mem.HeapReleased),
		makes:        d.mode.Makes(),
		live:         d.live,
		kept:         d.mode.Kept(),
		rss:          int64(status.VmRSS),
		peakRSS:      int64(status.VmHWM),
		gets:         d.gets,
		tooSmall:     d.tooSmall,
		gcs:          int64(mem.NumGC),
		cpu:          stat.CPUTime(),
		minorFaults:  int64(stat.MinFlt),
	}
	if heap, ok := d.mode.(modes.Heap); ok {
		h := heap.HeapStats()
		s.heapSys += h.Sys
		s.heapAlloc += h.Alloc
		s.heapIdle += h.Idle
		s.heapReleased += h.Released
	}
	return s, nil
}
