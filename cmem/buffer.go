package cmem

import (
	"runtime"
	"sync/atomic"
)

// A Buffer is a handle on a buffer, for code that cannot be sure that somebody calls Free: when
// every copy of the handle is lost, the buffer is freed by the collector's next cycle. The bytes
// behind handles make a cycle due as the Go heap does: by GOGC, and at Go's memory limit. (With
// GOGC=off and no limit nothing does.) A Buffer is a small value: copy it freely. All copies are
// the same buffer, and Free of one frees it for all. The zero value is an empty buffer.
//
// THE HANDLE KEEPS THE BUFFER ALIVE, the slice of Bytes does not: hold the handle, by
// runtime.KeepAlive if need be, for as long as the slice is used. The handle owns the buffer: Free,
// Realloc and Attach of the package panic where they are given that slice.
type Buffer struct {
	o   *owner
	gen uint64 // what o.block.gen was when this buffer was made
}

// An owner is the Go object that copies of a Buffer share. The cleanup hangs on it, once in its
// life: freed owners are kept and used again, so that a steady state costs neither an allocation
// nor a cleanup.
type owner struct{ block *ownedBlock }

// An ownedBlock is what the cleanup needs. It is apart from the owner because what a cleanup holds
// is reachable.
type ownedBlock struct {
	gen atomic.Uint64 // odd while a buffer is live, one more for each New and each Free
	ownedMem
}

// New returns a handle on a new buffer of n bytes, not zeroed. It panics as Alloc does.
func New(n int) Buffer { return newBuffer(n) }

// newPinned is New.
//
//go:noinline
func newPinned(n int) Buffer {
	m := ownedMem{n: n}
	if p := alloc(n); n > 0 {
		m = own(p, n)
	}
	o := takeOwner(n)
	if o == nil {
		o = &owner{new(ownedBlock)}
		runtime.AddCleanup(o, (*ownedBlock).lost, o.block)
		pressed(n)
	}
	o.block.ownedMem = m
	return Buffer{o, o.block.gen.Add(1)}
}

// Bytes returns the buffer: length and capacity are what New was given. It panics with a
// *MisuseError after Free, on whichever copy of the handle, even where the block or the handle's
// owner serves another buffer by now.
func (b Buffer) Bytes() []byte {
	if b.o == nil {
		return nil
	}
	blk := b.o.block
	if blk.gen.Load() != b.gen {
		panic(&MisuseError{Func: "Buffer.Bytes", What: "the buffer was freed"})
	}
	return slice(blk.p, blk.n)
}

// Len is the buffer's length in bytes, 0 for the zero Buffer. It panics as Bytes does.
func (b Buffer) Len() int { return len(b.Bytes()) }

// Free frees the buffer. A second Free, of any copy and from any goroutine, does nothing, and so
// does Free of the zero Buffer.
func (b Buffer) Free() {
	if b.o == nil {
		return
	}
	release(b.o, b.gen)
}

// releasePinned frees o's buffer of generation gen, unless that is gone already.
//
//go:noinline
func releasePinned(o *owner, gen uint64) {
	if o.block.gen.CompareAndSwap(gen, gen+1) {
		releaseWon(o)
	}
}

// releaseWon is the rest of releasePinned. The owner is nobody's now: a stale handle does not come
// here, only the winner does.
//
//go:noinline
func releaseWon(o *owner) {
	m := o.block.ownedMem
	keepOwner(o, m.n)
	if m.n > 0 {
		m.free("Buffer.Free")
	}
}

// lost is the cleanup: every handle of the owner is gone.
func (blk *ownedBlock) lost() {
	if gen := blk.gen.Load(); gen%2 == 1 {
		defer unpressCollected(blk.n)
		blk.gen.Store(gen + 1)
		if blk.n > 0 {
			blk.free("Buffer.Free")
		}
		countNetFreed(blk.n)
	}
}
