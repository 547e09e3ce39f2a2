//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/gocmem/cmem/c"
)

// The slow path of an allocation: the magazine has no block of the class. C gets one, with more for
// the magazine, by c/policy.h's rules: what it has to know of the cache goes there in a trip, and
// what is for the cache comes back in it.

// trips are not on the stacks of those who use them, which a few goroutines are at a time: a frame
// of 2 KiB makes each stack that has ever come by grow, and that of a thousand goroutines is a few
// megabytes.
var trips = sync.Pool{New: func() any { return new(c.Trip) }}

// allocSlow allocates n > 0 bytes when the magazine has none; nil where memory is out.
func allocSlow(n int, zero bool) unsafe.Pointer {
	switch {
	case cacheless:
		return c.AllocCacheless(n, zero)
	case zero && n >= largeMin:
		return c.Calloc(n) // knows which pages are zero already
	case n > maxClassSize:
		return c.ExactAlloc(n)
	}
	t := trips.Get().(*c.Trip)
	miss(t, n)
	p := t.Block
	trips.Put(t)
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
// goroutine may come to another P, and the cache it came from may be emptied, parked or deleted.
func miss(t *c.Trip, n int) {
	depart(t, n)
	t.Miss()
	arrive(t, n)
}

// depart fills t with what C must know of the cache, and with what leaves it.
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
	if t.Len > 0 { // the goroutine moved to a P whose magazine is full, or that has none
		t.E[0] = t.E[t.Len]
		t.Leave()
	}
}

// refill puts what a miss of class cls has brought into ch, as far as the magazine goes. Pinned.
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

// takeLarge takes the blocks of ch that are too large for it to hold many of along, so that the
// block that is missed can be made of one of them. Pinned.
func takeLarge(ch *c.Cache, t *c.Trip) {
	if ch.Capacity-ch.Room < int64(ch.Exact) { // all of it is less
		return
	}
	cls, _ := classOf(int(ch.Exact))
	for ; cls < numClasses; cls++ {
		take(ch, cls, len(entries(&ch.Mag[cls])), t)
	}
}

// A cache counts its trips to the central lists. Those that are due go to C with the next one, or
// by judge, and C boosts the cache's capacity where it thrashes (c/budget.h).

// countMiss counts a block of n bytes that ch did not have. Pinned.
func countMiss(ch *c.Cache, n int) {
	ch.Trips.Misses++
	if n >= c.ExactMin {
		ch.Trips.Bytes += uint64(n)
	}
}

// due returns the trips that ch has counted, if they are due to be judged. Pinned.
func due(ch *c.Cache) (t c.Trips) {
	if ch.Trips.Misses+ch.Trips.Overflows >= c.ThrashTrips {
		t, ch.Trips = ch.Trips, t
	}
	return t
}

// judge has C judge the trips of ch, if they are due. Not pinned.
func judge(ch *c.Cache, t c.Trips) {
	if t != (c.Trips{}) {
		c.Judge(ch, t)
	}
}

// adopt sets the capacity of ch to what C says it is to be now. Pinned.
func adopt(ch *c.Cache) {
	capacity := atomic.LoadInt64(c.Capacity) + atomic.LoadInt64(&ch.Boost)
	ch.Room += capacity - ch.Capacity
	ch.Capacity = capacity
}

func shareOf(ch *c.Cache) uintptr { return uintptr(unsafe.Pointer(&ch.Share)) }
