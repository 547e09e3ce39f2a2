//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"fmt"
	"math"
	"os"
	"sync/atomic"
	"time"

	"github.com/gocmem/cmem/c"
)

// The background gives idle memory back, and keeps Go's memory limit (memlimit.go). While the heap
// is used it steps as c/pacer.h's law says. Once the heap was not used for an idle limit, it empties
// all caches and gives everything back. Once the heap was not used for a second either, it rests: it
// looks once a second whether the heap is used again, and gives back what C threads have left. (C
// programs have a thread for this: c/scavenger.c.)
//
// The background is a timer and no goroutine: leak checkers report a goroutine that stays, and one
// that is started on demand may belong to a testing/synctest bubble. The timer is made outside of
// bubbles, when the package is initialised, and its function runs outside of bubbles too. Only that
// function sets the timer: Reset in a bubble goes by the bubble's clock. So the slow paths cannot
// wake the background: they leave a note (noteUse). The first use after a rest is seen up to a
// second later.

const restPeriod = time.Second

// scavenger is the background's state. It needs no lock: each step sets the timer for the next, so
// steps do not overlap.
var scavenger struct {
	used atomic.Bool // the note of the slow paths

	timer *time.Timer
	slept time.Duration // between the last step and this one

	// looked is the time since trimCaches or, at rest, since HasThreads; quiet the time without use.
	looked, quiet    time.Duration
	activity         uint64 // c.Activity at the last step
	drained, resting bool
	stepped          time.Duration // at rest, the time since the last step by the law
	threads          bool          // whether C threads had caches when restStep looked last
	traced           int           // lines that traceScavenge printed
}

// init runs after the init of debugvar.go, as that file's name sorts first. The timer may fire
// before other packages are initialised; that does no harm.
func init() {
	c.Scavenges()
	s := &scavenger
	s.timer = time.AfterFunc(math.MaxInt64, background)
	s.slept, s.resting = trackPeriod, true
	s.timer.Reset(s.slept)
}

// noteUse notes for the background that the heap is used. The slow paths call it when a P gets its
// cache, and after an uncached free.
func noteUse() {
	if !scavenger.used.Load() { // to write each time would cost: all Ps share the word
		scavenger.used.Store(true)
	}
}

// background is the timer's function: a step.
func background() {
	next := scavengeStep(time.Duration(atomic.LoadInt64(&idleLimit)))
	if trackLimit() {
		next = min(next, trackPeriod)
	}
	scavenger.slept = next
	scavenger.timer.Reset(next)
}

// forever is the idle limit where free memory is never given back.
const forever time.Duration = math.MaxInt64

// scavengeStep returns when the next step is due.
func scavengeStep(idle time.Duration) time.Duration {
	if idle <= 0 {
		idle = forever
	}
	s := &scavenger
	used := s.used.Swap(false) // first: what is used from here on is seen by the next step
	if s.resting && !used {
		return restStep(idle)
	}
	next, released := step(idle)
	if s.looked += s.slept; s.looked >= max(idle, trimPeriod) {
		s.looked = 0
		trimCaches()
	}
	if now := c.Activity(); used || now != s.activity {
		s.activity, s.quiet, s.drained = now, 0, false
	} else if s.quiet += s.slept; s.quiet >= idle && !s.drained {
		released += scavenge(0)
		s.activity, s.drained = c.Activity(), true
	}
	s.resting = (s.drained || idle == forever) && s.quiet >= restPeriod
	traceScavenge(released, idle)
	return next
}

// restStep steps by the law for what C threads have left, as these leave no note: once an idle
// limit; or, where no C thread had a cache, once a minute or an idle limit, whichever is longer. It
// returns when the next step is due. Most calls make no cgo call: after a pause one also wakes the
// runtime's monitor, which takes several times as long as the step.
func restStep(idle time.Duration) time.Duration {
	s := &scavenger
	if s.looked += s.slept; s.looked >= idle {
		s.looked = 0
		s.threads = c.HasThreads()
	}
	next := restPeriod
	if s.stepped += s.slept; s.threads && s.stepped >= idle || s.stepped >= max(idle, time.Minute) {
		s.stepped = 0
		due, released := step(idle)
		traceScavenge(released, idle)
		next = min(next, due)
	}
	if s.threads {
		next = min(next, idle)
	}
	return next
}

// step is a step by c/pacer.h's law. It returns when the next one is due, and the bytes given back.
func step(idle time.Duration) (next time.Duration, released int64) {
	ns := uint64(idle)
	if idle == forever {
		ns = math.MaxUint64
	}
	if budget, need, free := trackedUse(); budget > 0 {
		ns = c.ScarceIdle(ns, int(budget), int(need), int(free))
	}
	due, bytes := c.Step(ns)
	return time.Duration(due), int64(bytes)
}

// traceScavenge prints what was released, and what was kept and why, if CMEMDEBUG has scavtrace=1.
func traceScavenge(released int64, idle time.Duration) {
	if !debugvars.scavtrace || released == 0 {
		return
	}
	scavenger.traced++
	var s Stats
	ReadStats(&s)
	const MB = 1 << 20
	fmt.Fprintf(os.Stderr, "scvg%d: %d MB released; kept: %d MB live, %d MB in caches, %d MB in part-filled spans, "+
		"%d MB free, as the most in use within %v was more; %d MB are released\n", scavenger.traced, released/MB,
		s.LiveBytes/MB, (s.MagazineBytes+s.ThreadCacheBytes)/MB, s.CentralFreeBytes/MB, (s.HeapIdle-s.HeapReleased)/MB,
		idle, s.HeapReleased/MB)
}
