package cmem

import (
	"math"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// tracker keeps Go's memory limit at the budget less the C bytes.
var tracker struct {
	sync.Mutex
	users  int
	was    int64        // the limit to restore
	set    int64        // the limit that stands
	budget atomic.Int64 // 0 while nothing is tracked

	stat     string        // the cgroup's file, where the budget is its limit
	others   int64         // bytes that other processes in the cgroup use
	othersAt time.Duration // when they were looked at, on the monotonic clock
}

// trackPeriod is how often the background looks. In that time a program that fills C memory at 2
// GB/s gets 40 MB ahead.
const trackPeriod = 20 * time.Millisecond

// TrackMemoryLimit makes Go and cmem share one memory budget: while it is in force Go's memory
// limit (GOMEMLIMIT, debug.SetMemoryLimit) is kept at the budget less the bytes that cmem holds, so
// that the collector works harder as C memory grows. It is set at once, and adjusted 50 times a
// second from a second later on. The budget is Go's memory limit where one is set, else the memory
// limit of the process's cgroup (v2 or v1) less a sixteenth of it; where there is neither, nothing
// is done. Go is left an eighth of the budget at least. Where both together come to the budget,
// handles that are lost are collected, whatever GOGC says.
//
// The function that it returns ends the tracking and restores the limit that was set; calling it
// again does nothing. TrackMemoryLimit may be called more than once: the last of the functions
// restores. CMEMDEBUG=memlimit=1 does it from the start of the program. Nobody else should call
// debug.SetMemoryLimit meanwhile.
func TrackMemoryLimit() (undo func()) {
	tracker.Lock()
	defer tracker.Unlock()
	if tracker.users == 0 {
		was := debug.SetMemoryLimit(-1)
		budget := was
		tracker.stat, tracker.others, tracker.othersAt = "", 0, 0
		if budget == math.MaxInt64 {
			budget, tracker.stat = cgroupLimit("/")
			budget -= budget / 16
		}
		if budget <= 0 {
			return func() {}
		}
		tracker.was, tracker.set = was, was
		tracker.budget.Store(budget)
		adjustLimit()
	}
	tracker.users++
	return sync.OnceFunc(untrack)
}

func untrack() {
	tracker.Lock()
	defer tracker.Unlock()
	if tracker.users--; tracker.users == 0 {
		tracker.budget.Store(0)
		debug.SetMemoryLimit(tracker.was)
	}
}

// memoryBudget is what Go and cmem may hold together: the budget that is tracked, else goLimit,
// which is Go's memory limit.
func memoryBudget(goLimit int64) int64 {
	if budget := tracker.budget.Load(); budget > 0 {
		return budget
	}
	return goLimit
}

// trackLimit is for the background. It adjusts Go's limit if that is tracked, and tells whether it
// is.
func trackLimit() (tracked bool) {
	tracker.Lock()
	defer tracker.Unlock()
	if tracker.users == 0 {
		return false
	}
	adjustLimit()
	return true
}

// adjustLimit sets Go's limit anew where it is off by a 64th of the budget: a change of the limit
// makes the collector pace itself anew, which is not worth it for less.
func adjustLimit() {
	budget := tracker.budget.Load()
	limit := max(budget-residentBytes(), budget/8)
	if diff := limit - tracker.set; diff > budget/64 || diff < -budget/64 {
		debug.SetMemoryLimit(limit)
		tracker.set = limit
	}
}
