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
// is used it steps as c/pacer.h's law says. Once nothing has happened for an idle limit it drains
// the magazines and gives everything back. After a second of silence at least it rests: it looks
// once a second whether the heap is used again, and after what C threads have left. (C programs
// have a thread that does as much: c/scavenger.c.)
//
// It is a timer and no goroutine: leak checkers report one that stays, and one that is started on
// demand may belong to a testing/synctest bubble. The timer is made where no bubble is, when the
// package is initialised. Its function runs in a goroutine outside of bubbles too, and nobody else
// may set the timer: Reset in a bubble goes by the bubble's clock. So the slow paths wake nobody
// but leave a note, and what is freed first after a rest is seen up to a second later.

const restPeriod = time.Second

// scavenger is the background's. The steps do not overlap, as each sets the timer for the next:
// they need no lock.
var scavenger struct {
	used atomic.Bool // the note of the slow paths

	timer            *time.Timer
	slept            time.Duration // before this step
	looked, quiet    time.Duration // since trimCaches or, at rest, HasThreads; without any use
	activity         uint64        // at the last step
	drained, resting bool
	stepped          time.Duration // at rest, since the last step of C's
	threads          bool          // whether C threads had caches when restStep looked
	traced           int           // lines printed
}

// init comes after that of debugvar.go, whose file's name is smaller. Should the timer fire before
// the other packages are initialised, that does no harm.
func init() {
	c.Scavenges()
	s := &scavenger
	s.timer = time.AfterFunc(math.MaxInt64, background)
	s.slept, s.resting = trackPeriod, true
	s.timer.Reset(s.slept)
}

// noteUse is called by the slow paths that bring a cache into use, or free uncached.
func noteUse() {
	if !scavenger.used.Load() { // a read is cheap for all, a write is not
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

// restStep looks after what C threads have left, of which there is no note: every idle limit, or,
// as long as there are none, every minute at least. It returns when the next step is due. (A cgo
// call after a pause wakes the runtime's monitor too, which takes several times as long as the
// step: so there is none in most steps.)
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

// step is a step by the law.
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
		"%d MB free, as the most in use within %v was more; %d MB are released\n", scavenger.traced, released/MB,
		s.LiveBytes/MB, (s.MagazineBytes+s.ThreadCacheBytes)/MB, s.CentralFreeBytes/MB, (s.HeapIdle-s.HeapReleased)/MB,
		idle, s.HeapReleased/MB)
}
