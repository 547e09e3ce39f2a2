//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/gocmem/cmem/c"
)

// How much the cache of a P may hold. The ordinary limit (c.CacheLimit) keeps caches small beside
// what is in use: a service that frees some thousand buffers a second does not notice that many of
// them go past its caches. A goroutine that does little but allocate and free blocks of many sizes
// does. It is known by its overflows and misses, each a cgo call and a trip to the page heap, which
// follow closely on each other; its P's cache gets more, bit by bit, as long as they do. All caches
// together keep to a budget (c/cache.h): what the ordinary limits leave of it is for such caches.

const (
	// A P is cramped if it takes crampedTrips overflows and misses within crampedTime: it spends a
	// quarter of it or more on them. A block of ExactMin or more may be faulted in: crampedByte bytes
	// of it count as a nanosecond.
	crampedTrips = 32
	crampedTime  = 64 * time.Microsecond
	crampedByte  = 32

	oneSidedMost = 16 << 20         // of extra, for a P that misses or overflows but not both
	refusedTime  = time.Millisecond // for which a P that could not have more does not ask again

	borrowClasses = 8 // a doubling, from 128 bytes on; below, where steps are of 16 bytes, class 2*cls+1 is
)

// A window is what a P's cache has been through of late. Its fields but extra are for who is pinned
// to the P.
type window struct {
	misses, overflows uint32
	bytes             int           // of the misses of ExactMin and more
	since, refused    time.Duration // on the monotonic clock; when there was no more extra to be had
	extra             int64         // bytes beyond the ordinary limit; others read it, and lower it
	_                 [88]byte      // two cache lines, as processors fetch them
}

var (
	windows    [maxProcs]window
	extraTotal atomic.Int64 // of all windows
)

// countMiss counts a block of n bytes that P pid had to fetch, and countOverflow one that its cache
// had no room for. They tell whether it is time to raise the limit. Pinned.
func countMiss(pid, n int) (cramped bool) {
	if pid >= maxProcs {
		return false
	}
	w := &windows[pid]
	w.misses++
	if n >= c.ExactMin {
		w.bytes += n
	}
	return w.misses+w.overflows >= crampedTrips && w.next(pid)
}

func countOverflow(pid int) (cramped bool) {
	if pid >= maxProcs {
		return false
	}
	w := &windows[pid]
	w.overflows++
	return w.misses+w.overflows >= crampedTrips && w.next(pid)
}

// next begins another window of P pid. Its result is countMiss's.
func (w *window) next(pid int) (cramped bool) {
	now := monotonic()
	cramped = now-w.since < crampedTime+time.Duration(w.bytes/crampedByte)
	if now-w.refused < refusedTime {
		cramped = false
	}
	// Who fills a cache that another P empties gains by a larger one too, as the trips are for more
	// blocks each: but not much.
	if min(w.misses, w.overflows) < crampedTrips/8 && extraOf(pid) >= oneSidedMost {
		cramped = false
	}
	w.misses, w.overflows, w.bytes, w.since = 0, 0, 0, now
	return cramped
}

// raiseLimit gives the cache of the P that the caller runs on half as much again, if the caches may
// have that.
func raiseLimit() {
	most := c.CacheExtra()
	pid := procPin()
	if ch := myCache(pid); ch != nil {
		step := ch.Limit / 2
		if extraTotal.Add(step) > most {
			extraTotal.Add(-step)
			step = takeExtra(pid)
		}
		if step == 0 {
			windows[pid].refused = monotonic()
		}
		atomic.AddInt64(&windows[pid].extra, step)
		adopt(pid, ch)
	}
	procUnpin()
}

// keepBudget takes back what raised caches have beyond most bytes (c.CacheExtra), from each the
// same part. (A cache adopts its limit on its next slow path.)
func keepBudget(most int64) {
	total := extraTotal.Load()
	if total <= most {
		return
	}
	for pid := range windows {
		if x := extraOf(pid); x > 0 {
			less := int64(float64(x) * float64(most) / float64(total))
			if atomic.CompareAndSwapInt64(&windows[pid].extra, x, less) {
				extraTotal.Add(less - x)
			}
		}
	}
}

// raised tells whether the limit of P pid's cache, of which there is one, is raised: the one such
// test there is. (The assembly takes a limit above c.CacheLimitP for it, which no other cache has;
// where a raised limit is less, it leaves the request to allocPinned.) A plain load: an answer that
// is a moment old does no harm.
func raised(pid int) bool { return windows[pid].extra != 0 }

// extraOf is what P pid has beyond the ordinary limit. (Windows of Ps that there are not should
// stay untouched memory.)
func extraOf(pid int) int64 {
	if seenCache(pid) == nil {
		return 0
	}
	return atomic.LoadInt64(&windows[pid].extra)
}

// takeExtra takes half of what the P has that has most, and returns it. (That P's cache adopts it
// on its next slow path.)
func takeExtra(pid int) int64 {
	most, from := int64(0), pid
	for i := range caches {
		if x := extraOf(i); x > most {
			most, from = x, i
		}
	}
	if from == pid || !atomic.CompareAndSwapInt64(&windows[from].extra, most, most-most/2) {
		return 0
	}
	return most / 2
}

// adopt sets the limit of ch, the cache of P pid, to what it is to be now. Pinned, or parked.
func adopt(pid int, ch *c.Cache) {
	limit := atomic.LoadInt64(c.CacheLimit) + atomic.LoadInt64(&windows[pid].extra)
	ch.Room += limit - ch.Limit
	ch.Limit = limit
}

// lowerLimit takes back what raiseLimit gave P pid, whose cache, ch, is parked.
func lowerLimit(pid int, ch *c.Cache) {
	extraTotal.Add(-atomic.SwapInt64(&windows[pid].extra, 0)) // keepBudget may be at it
	adopt(pid, ch)
}

// allocBorrowed is borrow where the cache has no block of n's class, else nil.
func allocBorrowed(n int) unsafe.Pointer {
	if uint(n)-1 >= maxClassSize {
		return nil
	}
	cls, _ := classOf(n)
	pid := procPin()
	if ch := myCache(pid); ch != nil {
		if m := magazine(ch, cls); m.Top == m.Base {
			return borrow(pid, ch, cls, n)
		}
	}
	procUnpin()
	return nil
}

// borrow returns a block for n bytes past the empty magazine of class cls: of one of the next
// larger classes that ch, the cache of P pid, has blocks of, where its limit is raised, as a pool
// of powers of two does always; else one of class cls from its transfer list; or nil. Unpins.
func borrow(pid int, ch *c.Cache, cls uint, n int) unsafe.Pointer {
	from, cramped := cls, false
	if raised(pid) {
		from = nextFilled(ch, cls)
	}
	if from == cls {
		if !receive(ch, cls) {
			procUnpin()
			return nil
		}
		cramped = countMiss(pid, n)
	}
	m, size := magazine(ch, from), int(classSize[from])
	e := at[c.Entry](m.Top - entrySize)
	p, tag := e.Block, at[uint8](e.Tag)
	if *tag != c.TagCached {
		dropTop(ch, m, size)
	}
	*tag = uint8(from + 1)
	m.Top -= entrySize
	m.Allocs++
	ch.Room += int64(size)
	procUnpin()
	if cramped {
		raiseLimit()
	}
	return unsafe.Pointer(at[byte](p))
}

// nextFilled is the first class above cls, up to a doubling of its size, that ch has blocks of; cls
// where there is none.
func nextFilled(ch *c.Cache, cls uint) uint {
	for from := cls + 1; from <= min(cls+borrowClasses, 2*cls+1, numClasses-1); from++ {
		if m := magazine(ch, from); m.Top != m.Base {
			return from
		}
	}
	return cls
}

// exactMin is the size from which on blocks are too large for ch to hold many.
func exactMin(ch *c.Cache) int { return max(c.ExactMin, int(ch.Limit/4)) }
