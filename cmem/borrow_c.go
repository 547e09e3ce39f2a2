//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"unsafe"

	"github.com/gocmem/cmem/c"
)

// What an allocation tries without a cgo call when the magazine is empty: a block of a larger class
// from the same cache, if that is boosted (policy_borrow), and else blocks of the class from its
// transfer list.

// allocBorrowed returns a block for n bytes where the magazine of n's class is empty and borrow has
// one; else nil.
func allocBorrowed(n int) unsafe.Pointer {
	if uint(n)-1 >= maxClassSize {
		return nil
	}
	cls, _ := classOf(n)
	if ch := myCache(procPin()); ch != nil {
		if m := magazine(ch, cls); m.Top == m.Base {
			return borrow(ch, cls, n)
		}
	}
	procUnpin()
	return nil
}

// borrow returns a block for n bytes when ch's magazine of class cls is empty: a block of a larger
// class, where ch is boosted and has one; else one of class cls from its transfer list; else nil.
// The caller is pinned before, and not after.
func borrow(ch *c.Cache, cls uint, n int) unsafe.Pointer {
	from, trips := cls, c.Trips{}
	if ch.Boost != 0 { // a plain load: a stale answer does no harm
		from = nextFilled(ch, cls)
	}
	if from == cls {
		if !receive(ch, cls) {
			procUnpin()
			return nil
		}
		countMiss(ch, n)
		trips = due(ch)
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
	judge(ch, trips)
	return unsafe.Pointer(at[byte](p))
}

// nextFilled is policy_borrow (c/policy.h): the first class above cls, up to a doubling of its
// size, that ch has blocks of; cls where there is none.
func nextFilled(ch *c.Cache, cls uint) uint {
	for from := cls + 1; from <= min(cls+c.BorrowClasses, 2*cls+1, numClasses-1); from++ {
		if m := magazine(ch, from); m.Top != m.Base {
			return from
		}
	}
	return cls
}
