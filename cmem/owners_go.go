//go:build !(cgo && linux && (amd64 || arm64 || riscv64)) || race

package cmem

import (
	"sync"
	"sync/atomic"
	"unsafe"
)

// An ownedMem is a block of n bytes that a handle or an arena owns: the registry says so.
type ownedMem struct {
	p unsafe.Pointer
	n int
}

// own gives the block at p, which nobody else has yet, to a handle or an arena.
func own(p unsafe.Pointer, n int) ownedMem {
	mark(uintptr(p), heldOwned)
	return ownedMem{p, n}
}

// usable is how many bytes m's block holds.
func (m ownedMem) usable() int { return usable(m.p, "Usable") }

// free frees m, for the function fn.
func (m ownedMem) free(fn string) {
	blk := take(uintptr(m.p), heldOwned)
	if blk == nil {
		misuse(uintptr(m.p), fn)
	}
	recycle(blk)
}

// spareOwners holds the owners without a buffer. One that the pool drops is collected, with its
// cleanup.
var (
	spareOwners sync.Pool
	held        atomic.Int64 // bytes
)

// takeOwner returns an owner without a buffer for a buffer of n bytes, which it counts; nil where
// there is none.
func takeOwner(n int) *owner {
	held.Add(int64(n))
	o, _ := spareOwners.Get().(*owner)
	return o
}

// keepOwner takes back an owner whose buffer, of n bytes, was freed.
func keepOwner(o *owner, n int) {
	held.Add(-int64(n))
	spareOwners.Put(o)
}

// countHeld counts a handle's buffer as n bytes longer.
func countHeld(n int) { held.Add(int64(n)) }

// heldByHandles is how many bytes the handles hold, those included that are lost and not yet
// collected.
func heldByHandles() int64 { return held.Load() }
