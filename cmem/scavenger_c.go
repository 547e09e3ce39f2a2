//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gocmem/cmem/c"
)

// The background scavenger: a goroutine that starts with the first cache, or the first block freed past the caches. While the
// heap is used it settles it now and then (gives back what is free beyond an ordinary headroom), and releases, some times an
// idle limit, the spans that have been free that long. Once nothing has happened for an idle limit it drains the
// magazines, releases everything, and sleeps until a slow path wakes it: the caches are parked, so whatever happens next takes
// one, or goes past them. (C programs have a thread that does as much: c/scavenger.c.)
var scavenger struct {
	start  sync.Once
	asleep atomic.Bool
	wake   chan struct{}
	traced int // lines printed
}

// wakeScavenger is called by the slow paths that bring a cache into use, or free past the caches.
func wakeScavenger() {
	scavenger.start.Do(func() {
		scavenger.wake = make(chan struct{}, 1)
		go scavengeIdle()
	})
	if scavenger.asleep.CompareAndSwap(true, false) {
		scavenger.wake <- struct{}{}
	}
}

// scavengePeriod is how often spans of the idle limit's age are released: an eighth of it, within bounds.
func scavengePeriod(idle time.Duration) time.Duration {
	return min(max(idle/8, 10*time.Millisecond), time.Second)
}

func scavengeIdle() {
	var aged, quiet, looked time.Duration // since the last release by age; for how long nothing has happened; since isCalm looked
	last := activity()
	for {
		idle := time.Duration(atomic.LoadInt64(&idleLimit))
		if idle <= 0 { // off; somebody may set it again
			time.Sleep(time.Second)
			continue
		}
		period := min(scavengePeriod(idle), c.SettlePeriod)
		time.Sleep(period)
		released := settle()
		if aged += period; aged >= scavengePeriod(idle) {
			aged = 0
			released += scavenge(idle)
		}
		if looked += period; looked >= calmTime {
			looked = 0
			drainThose(isCalm)
		}
		traceScavenge(released, idle)
		if now := activity(); now != last {
			last, quiet = now, 0
			continue
		}
		if quiet += period; quiet < idle {
			continue
		}
		scavenger.asleep.Store(true)
		traceScavenge(scavenge(0), idle)
		sleepUntilWoken(idle)
		last, quiet = activity(), 0
	}
}

// settle gives back what is free beyond an ordinary headroom, and returns the bytes.
func settle() int64 {
	return int64(c.Settle())
}

// sleepUntilWoken sleeps until a slow path of a P wakes it. C threads do not: it looks after what they have left every idle
// limit, or, as long as there are none, every minute at least.
func sleepUntilWoken(idle time.Duration) {
	for {
		period := idle
		if !c.HasThreads() {
			period = max(idle, time.Minute)
		}
		select {
		case <-scavenger.wake:
			return
		case <-time.After(period):
			traceScavenge(settle()+scavenge(idle), idle)
		}
	}
}

// traceScavenge prints what was released, what was kept and why, for CMEMDEBUG=scavtrace=1.
func traceScavenge(released int64, idle time.Duration) {
	if !debugvars.scavtrace || released == 0 {
		return
	}
	scavenger.traced++
	var s Stats
	ReadStats(&s)
	const MB = 1 << 20
	fmt.Fprintf(os.Stderr, "scvg%d: %d MB released; kept: %d MB live, %d MB in caches, %d MB in part-filled spans, "+
		"%d MB free for less than %v or as headroom; %d MB are released\n", scavenger.traced, released/MB, s.LiveBytes/MB,
		(s.MagazineBytes+s.ThreadCacheBytes)/MB, s.CentralFreeBytes/MB, (s.HeapIdle-s.HeapReleased)/MB, idle, s.HeapReleased/MB)
}
