//go:build unix

package breakeven

import (
	"runtime"
	"runtime/metrics"
	"syscall"
	"time"
)

// A meter tells what the whole process has spent since it was made. The collector works on other
// CPUs as well, and what it does there a benchmark's ns/op does not show.
type meter struct {
	cpu time.Duration
	gc  gcTimes
}

// gcTimes are the runtime's own figures, in CPU seconds. It brings them up to date at the end of each collection.
type gcTimes struct{ gc, total, idle float64 }

// newMeter starts with a collection, so that its figures are of now.
func newMeter() meter {
	runtime.GC()
	return meter{cpuTime(), readGC()}
}

// cpuPerOp is the CPU time that each of n operations has cost, in nanoseconds.
func (m meter) cpuPerOp(n int) float64 {
	return float64((cpuTime() - m.cpu).Nanoseconds()) / float64(n)
}

// gcShare is the part of the CPU time that went to the collector, in percent, up to the last
// collection; 0 where there was none.
func (m meter) gcShare() float64 {
	now := readGC()
	used := (now.total - m.gc.total) - (now.idle - m.gc.idle)
	if used <= 0 {
		return 0
	}
	return 100 * (now.gc - m.gc.gc) / used
}

func readGC() gcTimes {
	s := []metrics.Sample{
		{Name: "/cpu/classes/gc/total:cpu-seconds"},
		{Name: "/cpu/classes/total:cpu-seconds"},
		{Name: "/cpu/classes/idle:cpu-seconds"},
	}
	metrics.Read(s)
	return gcTimes{s[0].Value.Float64(), s[1].Value.Float64(), s[2].Value.Float64()}
}

// cpuTime is that of all threads, user and system.
func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err) // RUSAGE_SELF is always valid
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
