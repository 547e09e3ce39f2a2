//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/gocmem/cmem/c"
)

// The slow path of an allocation: the magazine has no block of the class. A small or large block
// comes from the central lists, with more for the magazine as far as the cache has room; one of
// ExactMin or more may get a span of just its pages (exact).

// batches are not on the stacks of those who use them, which a few goroutines are at a time: a
// frame of 2 KiB makes each stack that has ever come by grow, and that of a thousand goroutines is
// a few megabytes.
var batches = sync.Pool{New: func() any { return new(c.Batch) }}

// allocSlow allocates n > 0 bytes when the magazine has none; nil where memory is out.
func allocSlow(n int, zero bool) unsafe.Pointer {
	if cacheless {
		return c.AllocCacheless(n, zero)
	}
	if n > maxClassSize {
		if zero {
			return c.Calloc(n)
		}
		return c.HugeAlloc(n)
	}
	cls, size := classOf(n)
	if zero && n >= largeMin {
		return c.Calloc(n) // knows which pages are zero already
	}
	if n >= c.ExactMin && exact(cls, n, size) {
		return c.HugeAlloc(n)
	}
	p := refill(cls, size)
	if p == 0 {
		return nil
	}
	if zero {
		clear(slice(unsafe.Pointer(at[byte](p)), n))
	}
	return unsafe.Pointer(at[byte](p))
}

// exact tells whether n bytes are better served by a span of just their pages than by a block of
// class cls, and notes the class in the P's cache: as the function of that name in cmem.c. Where
// the block is large for the cache, it gives what the cache holds of such blocks to the central
// lists, so that this one can be made of it.
func exact(cls uint, n, size int) bool {
	const page = 1 << c.PageShift
	spare := size/page - (n+page-1)/page
	k, large, recent, cramped := 0, true, false, false
	b := batches.Get().(*c.Batch)
	pid, ch := pinCache()
	if ch != nil {
		cramped = countMiss(pid, n)
		if large = n >= exactMin(ch); large {
			k = takeLarge(ch, exactMin(ch), b[:0])
			r := ch.Recent
			recent = r&0xFF == uint32(cls) || r>>8 == uint32(cls)
			ch.Recent = r&0xFF<<8 | uint32(cls)
		}
	}
	procUnpin()
	if k > 0 {
		b.GiveMixed(k)
	}
	batches.Put(b)
	if cramped {
		raiseLimit()
	}
	return large && spare > 0 && (!recent || spare > c.ExactSpare/page)
}

// takeLarge appends the blocks of from bytes and more in ch to old, and returns its new length.
// Pinned.
func takeLarge(ch *c.Cache, from int, old []c.Entry) int {
	if ch.Limit-ch.Room < int64(from) { // all of it is less
		return len(old)
	}
	cls, _ := classOf(from)
	for ; cls < numClasses; cls++ {
		if m := &ch.Mag[cls]; m.Top != m.Base {
			old = old[:takeOldest(ch, cls, cap(old), old)]
		}
	}
	return len(old)
}

// refill takes a block of class cls for the caller, and more for the magazine, from the central
// list.
func refill(cls uint, size int) (p uintptr) {
	if n := wanted(cls, size); n > 1 {
		p = refillMany(cls, size, n)
	} else if p = c.FetchOne(cls); p != 0 {
		countAlloc(procPin(), cls)
	}
	if leaf := findLeaf(p); p != 0 && leaf != hotLeaf {
		atomic.StorePointer((*unsafe.Pointer)(unsafe.Pointer(&hotLeaf)), unsafe.Pointer(leaf))
	}
	return p
}

// countAlloc counts a block of class cls that went past the magazines, for P pid. Unpins.
func countAlloc(pid int, cls uint) {
	if ch := myCache(pid); ch != nil {
		ch.Mag[cls].Allocs++
		procUnpin()
		return
	}
	procUnpin()
	c.CountAlloc(cls)
}

// refillMany is refill where n blocks, or fewer, are wanted together.
func refillMany(cls uint, size, n int) (p uintptr) {
	b := batches.Get().(*c.Batch)
	if got := b.Fetch(cls, n); got > 0 {
		p = b[0].Block
		*at[uint8](b[0].Tag) = uint8(cls + 1)
		pid := procPin()
		if ch := myCache(pid); ch != nil {
			for m := &ch.Mag[cls]; got > 1 && m.Top != m.End; { // the lowest address on top
				got--
				push(ch, cls, b[got])
			}
		}
		countAlloc(pid, cls)
		if got > 1 { // the goroutine moved to a P whose magazine is full, or has none
			b.Give(cls, 1, got-1)
		}
	}
	batches.Put(b)
	return p
}

// wanted is how many blocks of class cls the P that the caller runs on should fetch: one for the
// caller, the others as its cache has room.
func wanted(cls uint, size int) int {
	pid, ch := pinCache()
	if ch == nil {
		procUnpin()
		return 1
	}
	cramped := size < c.ExactMin && countMiss(pid, size) // else exact has counted it
	adopt(pid, ch)
	fits := 1
	if ch.Room > 0 {
		fits = int(ch.Room)/size + 1
	}
	more := raised(pid)
	m := &ch.Mag[cls]
	half := int((m.End-m.Base)/entrySize) / 2
	procUnpin()
	if cramped {
		raiseLimit()
	}
	n := int(classRefill[cls])
	if more && size < largeMin {
		n = half
	}
	if more {
		n = max(n, min(waiting(cls), receiveMost))
	}
	return min(n, fits)
}
