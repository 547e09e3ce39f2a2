package cmem

import (
	"sync/atomic"
	"time"
)

// DefaultIdleLimit is how long free memory stays with the process before it goes back to the
// operating system. Until then it has cost no more than faulting it in again would, if a CPU core
// costs as much as 4 GiB of memory.
const DefaultIdleLimit = 3 * time.Second

// idleLimit is a time.Duration. It has its value before any init function runs, as CMEMDEBUG
// changes it in one.
var idleLimit = int64(DefaultIdleLimit)

// Scavenge gives all free memory back to the operating system now: the magazines are emptied, the
// pages of every free span released, and whole free regions returned to malloc. It returns the
// bytes given back. Using it again costs page faults: one for every 4 KiB, 1 to 2 µs each.
// Nobody needs to call it: the background does the same for what has been idle for the idle limit.
//
// In builds over Go memory it does nothing and returns 0.
func Scavenge() int64 { return scavenge(0) }

// SetIdleLimit sets how long free memory stays with the process before it goes back to the
// operating system, and returns what it was, at first DefaultIdleLimit. Zero or less keeps it for
// ever. It is the one knob between memory and CPU time: 20 ms is as lean as it gets.
//
// While the heap is used, what stays resident is the most that was in use during the last idle
// limit and an eighth: what is in use, in caches (a quarter of that peak or 2 MiB at most) and
// free. What is free beyond it goes evenly within one more idle limit. After an idle limit without
// any use everything goes. As the process nears a limit (SetLimit, TrackMemoryLimit) the idle limit
// shrinks to nothing.
//
// A timer sees to that, eight times an idle limit while the heap is used, once a second when it has
// not been used for an idle limit (and a second at least). So SetIdleLimit takes effect within a
// second, and what a burst after such a silence leaves may stay for a second more than the idle
// limit.
func SetIdleLimit(d time.Duration) time.Duration {
	return time.Duration(atomic.SwapInt64(&idleLimit, int64(d)))
}
