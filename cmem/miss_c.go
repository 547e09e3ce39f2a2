//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/gocmem/cmem/c"
)

// The slow path of an allocation, when the magazine is empty. C gets a block, and more for the
// magazine, by the rules of c/policy.h. A trip (c/miss.h) carries to C what it must know of the
// cache, and back what is for the cache.

// tripPool holds trips for reuse. They do not lie on stacks: a trip takes 2 KiB, so every stack that
// was ever used for one would grow, by megabytes together for a thousand goroutines. Only a few
// goroutines have a trip at a time.
var tripPool = sync.Pool{New: func() any { return new(c.Trip) }}

// allocSlow allocates n > 0 bytes, zeroed if zero is set, when the fast path has no block; nil
// where memory is out.
func allocSlow(n int, zero bool) unsafe.Pointer {
	switch {
	case cacheless:
		return c.AllocCacheless(n, zero)
	case zero && n >= largeMin:
		return c.Calloc(n) // knows which pages are zero already
	case n > maxClassSize:
		return c.ExactAlloc(n)
	}
	t := tripPool.Get().(*c.Trip)
	miss(t, n)
	p := t.Block
	tripPool.Put(t)
	if p == 0 {
		return nil
	}
	if leaf := findLeaf(p); leaf != hotLeaf {
		atomic.StorePointer((*unsafe.Pointer)(unsafe.Pointer(&hotLeaf)), unsafe.Pointer(leaf))
	}
	if zero {
		clear(slice(unsafe.Pointer(at[byte](p)), n))
	}
	return unsafe.Pointer(at[byte](p))
}

// miss sets t.Block to a block for n bytes, 0 where memory is out. Between its three steps the
// goroutine may move to another P, and the first P's cache may be emptied, parked or deleted.
func miss(t *c.Trip, n int) {
	depart(t, n)
	t.Miss()
	arrive(t, n)
}

// depart fills t with what C must know of the P's cache, and with the blocks that leave that cache.
func depart(t *c.Trip, n int) {
	_, ch := pinCache()
	t.Begin(n)
	if ch != nil {
		adopt(ch)
		if uint64(n) >= ch.Exact {
			takeLarge(ch, t)
		}
		countMiss(ch, n)
		t.Share, t.Room, t.Recent, t.Trips = shareOf(ch), ch.Room, ch.Recent, due(ch)
	}
	procUnpin()
}

// arrive puts what t has brought into the cache of the P that the goroutine is on now.
func arrive(t *c.Trip, n int) {
	if t.Block == 0 {
		return
	}
	cls, _ := classOf(n)
	ch := myCache(procPin())
	if ch != nil {
		refill(ch, cls, t)
	}
	procUnpin()
	if ch == nil && t.Exact == 0 {
		c.CountAlloc(cls)
	}
	if t.Len > 0 { // the goroutine moved to a P whose magazine is full, or that has no cache
		t.E[0] = t.E[t.Len]
		t.Leave()
	}
}

// refill puts what t, a miss of class cls, has brought into ch, until the magazine is full. What t
// holds then is still to be given back. Pinned.
func refill(ch *c.Cache, cls uint, t *c.Trip) {
	if t.Share == shareOf(ch) {
		ch.Recent = t.Recent
	}
	if t.Exact != 0 {
		return
	}
	m := &ch.Mag[cls]
	m.Allocs++
	for ; t.Len > 0 && m.Top != m.End; t.Len-- { // the lowest address on top
		push(ch, cls, t.E[t.Len])
	}
}

// takeLarge moves to t all blocks of ch.Exact bytes and more that ch holds, so that C can make the
// missed block of their pages. Pinned.
func takeLarge(ch *c.Cache, t *c.Trip) {
	if ch.Capacity-ch.Room < int64(ch.Exact) { // all of it is less
		return
	}
	cls, _ := classOf(int(ch.Exact))
	for ; cls < numClasses; cls++ {
		take(ch, cls, len(entries(&ch.Mag[cls])), t)
	}
}

// A cache counts its trips to the central lists. When there are enough to judge they go to C, with
// a miss or by judge, and C boosts the cache's capacity if it thrashes (c/budget.h).

// countMiss is share_miss: it counts a miss of n bytes. Pinned.
func countMiss(ch *c.Cache, n int) {
	ch.Trips.Misses++
	if n >= c.ExactMin {
		ch.Trips.Bytes += uint64(n)
	}
}

// due is share_trips: it returns the trips and begins to count anew, if there are enough to judge;
// else it returns none. Pinned.
func due(ch *c.Cache) (t c.Trips) {
	if ch.Trips.Misses+ch.Trips.Overflows >= c.ThrashTrips {
		t, ch.Trips = ch.Trips, t
	}
	return t
}

// judge has C judge the trips t of ch, if there are any. Not pinned.
func judge(ch *c.Cache, t c.Trips) {
	if t != (c.Trips{}) {
		c.Judge(ch, t)
	}
}

// adopt is share_adopt: it takes over the capacity that the budget gives ch now. Pinned.
func adopt(ch *c.Cache) {
	capacity := atomic.LoadInt64(c.Capacity) + atomic.LoadInt64(&ch.Boost)
	ch.Room += capacity - ch.Capacity
	ch.Capacity = capacity
}

func shareOf(ch *c.Cache) uintptr { return uintptr(unsafe.Pointer(&ch.Share)) }
