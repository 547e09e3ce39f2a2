//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/gocmem/cmem/c"
)

// Handles and what they own: the blocks, and for each P a list of owners without a buffer, so that
// New and Free of a handle allocate nothing.

// An ownedMem is a block that a handle or an arena owns. The block's tag is TagOwned, so that no
// other Free takes it; cls keeps what the tag was.
type ownedMem struct {
	p   unsafe.Pointer
	n   int     // the bytes that were asked for
	tag uintptr // where the tag lies
	cls uintptr // the block's class: one less than the tag was; out of range for an exact block
}

// own gives the block at p, of n bytes, which nobody else has yet, to a handle or an arena.
func own(p unsafe.Pointer, n int) ownedMem {
	tag := findTag(uintptr(p))
	t := at[uint8](tag)
	m := ownedMem{p, n, tag, uintptr(*t) - 1}
	*t = c.TagOwned
	return m
}

// usable is how many bytes m's block holds.
func (m ownedMem) usable() int {
	if m.cls >= numClasses {
		return exactSize(m.tag)
	}
	return int(classSize[m.cls])
}

// free frees m, for the function fn. The tag says that the block is owned until it says that it is
// free: there is no time at which another Free would take it.
func (m ownedMem) free(fn string) {
	p := uintptr(m.p)
	if *at[uint8](m.tag) != c.TagOwned {
		panic(&MisuseError{fn, p, freedTwice})
	}
	if m.cls >= numClasses || cacheless {
		if !c.FreeOwned(p) {
			panic(&MisuseError{fn, p, freedTwice})
		}
		freedOther()
		return
	}
	cls, e := uint(m.cls), c.Entry{Block: p, Tag: m.tag}
	pid := procPin()
	if ch := myCache(pid); ch != nil && ch.Room > 0 && ch.Mag[cls].Top != ch.Mag[cls].End {
		*at[uint8](e.Tag) = c.TagCached
		push(ch, cls, e)
		procUnpin()
		return
	}
	procUnpin()
	freeSlow(cls, e)
}

// An ownerList is a P's: whoever is pinned to the P, or runs assembly on it, owns the list. Handles
// come and go in it without an atomic, and what they hold is counted in it, so that the Ps share no
// counter.
type ownerList struct {
	top   uint64 // how many owners there are
	held  int64  // bytes of the handles that were made on this P, less those that were freed on it: may be negative
	slots [62]*owner
}

// ownerLists holds the list of each P, nil until its first slow path. There are as many owners
// without a buffer as the lists have room for, at most; what is more goes to a pool, which the
// collector empties.
var (
	ownerLists   [maxProcs]*ownerList
	ownerListsMu sync.Mutex // for writing them
	spareOwners  sync.Pool
	heldElse     atomic.Int64 // what ownerList.held is, for Ps without a list
)

// myOwners is the list of P pid, or nil.
func myOwners(pid int) *ownerList {
	if uint(pid) < maxProcs {
		return ownerLists[pid]
	}
	return nil
}

// takeOwner returns an owner without a buffer for a buffer of n bytes, which it counts; nil where
// there is none.
func takeOwner(n int) *owner {
	l := myOwners(procPin())
	if l == nil {
		procUnpin()
		heldElse.Add(int64(n))
		makeOwners()
		o, _ := spareOwners.Get().(*owner)
		return o
	}
	l.held += int64(n)
	if l.top > 0 {
		l.top--
		o := l.slots[l.top]
		l.slots[l.top] = nil
		procUnpin()
		return o
	}
	procUnpin()
	o, _ := spareOwners.Get().(*owner)
	return o
}

// keepOwner takes back an owner whose buffer, of n bytes, was freed.
func keepOwner(o *owner, n int) {
	l := myOwners(procPin())
	if l == nil {
		procUnpin()
		heldElse.Add(-int64(n))
		spareOwners.Put(o)
		return
	}
	l.held -= int64(n)
	if l.top < uint64(len(l.slots)) {
		l.slots[l.top] = o
		l.top++
		procUnpin()
		return
	}
	procUnpin()
	spareOwners.Put(o)
}

// countHeld counts a handle's buffer as n bytes longer.
func countHeld(n int) {
	if l := myOwners(procPin()); l != nil {
		l.held += int64(n)
		procUnpin()
		return
	}
	procUnpin()
	heldElse.Add(int64(n))
}

// makeOwners makes a list for the P that the caller runs on, if it is to have one.
func makeOwners() {
	pid := procPin()
	procUnpin()
	if pid >= maxProcs {
		return
	}
	ownerListsMu.Lock()
	defer ownerListsMu.Unlock()
	if ownerLists[pid] == nil {
		atomic.StorePointer((*unsafe.Pointer)(unsafe.Pointer(&ownerLists[pid])), unsafe.Pointer(new(ownerList)))
	}
}

// heldByHandles is how many bytes the handles hold, those included that are lost and not yet
// collected.
func heldByHandles() int64 {
	sum := heldElse.Load()
	for pid := range ownerLists {
		if l := (*ownerList)(atomic.LoadPointer((*unsafe.Pointer)(unsafe.Pointer(&ownerLists[pid])))); l != nil {
			sum += atomic.LoadInt64(&l.held)
		}
	}
	return sum
}
