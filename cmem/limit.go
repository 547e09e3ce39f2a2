package cmem

import (
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// heapLimit is what SetLimit was given last; 0: no limit.
var heapLimit atomic.Int64

// SetLimit sets a soft cap, in bytes, on what cmem may hold: buffers, free blocks in magazines and
// caches, and free memory that was not given back. It returns the cap that was set before, 0 where
// there was none. Zero or less removes it.
//
// Free memory is given back to stay below the cap. Before an allocation fails for it, the magazines
// are emptied, all free memory is given back, and buffers whose handles are lost are collected, but
// no more than a tenth of the time is spent on that in vain. Then TryAlloc returns an error that
// wraps ErrNoMemory, and Alloc panics with it. Buffers in use are never touched, even where they
// hold more than a new cap. cmem's own structures do not count (Stats.MetadataSys), nor does Go
// memory; in builds over Go memory only the buffers do.
func SetLimit(bytes int64) int64 {
	old := heapLimit.Swap(max(bytes, 0))
	limitHeap(bytes)
	return old
}

// reclaimer is what runs before an allocation fails.
var reclaimer struct {
	sync.Mutex
	took  time.Duration // how long the last one took that was for nothing, else 0
	ended time.Duration // on the monotonic clock
}

// reclaimPatience is for how long no cleanup may come after a collection until they count as done.
const reclaimPatience = 5 * time.Millisecond

// reclaimAndAlloc calls alloc, which had no memory for n bytes, again when all that nobody holds was
// given back, and once more when the collector has freed what is lost. A request larger than the
// whole heap cannot succeed so: it fails without costing others their resident memory.
func reclaimAndAlloc(n int, alloc func() unsafe.Pointer) unsafe.Pointer {
	var s Stats
	if ReadStats(&s); uint64(n) > s.HeapSys {
		return nil
	}
	reclaimer.Lock()
	defer reclaimer.Unlock()
	// Whoever had the lock before may have made room.
	if p := alloc(); p != nil {
		return p
	}
	if monotonic()-reclaimer.ended < 9*reclaimer.took {
		return nil
	}
	began := monotonic()
	reclaimer.took = 0
	scavenge(0)
	if p := alloc(); p != nil {
		return p
	}
	collectLost(reclaimPatience)
	scavenge(0)
	if p := alloc(); p != nil {
		return p
	}
	reclaimer.ended = monotonic()
	reclaimer.took = reclaimer.ended - began
	return nil
}
