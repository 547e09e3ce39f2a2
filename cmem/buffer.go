package cmem

import (
	"runtime"
	"sync/atomic"
	"unsafe"
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

// Cap is how many bytes the buffer's block really holds, at least Len: Resize up to it stays in
// place. It panics as Bytes does.
func (b Buffer) Cap() int {
	if b.o == nil {
		return 0
	}
	blk := b.o.block
	if blk.gen.Load() != b.gen {
		panic(&MisuseError{Func: "Buffer.Cap", What: "the buffer was freed"})
	}
	return blk.have()
}

// Resize makes the buffer n bytes long, for all copies of the handle. Its first min(Len, n) bytes
// stay as they are, the rest is not zeroed. Where the block is big enough it stays in its place,
// unless it is of 64 KiB or more and would be less than half used; else the bytes move to a new
// one. Slices of Bytes from before are not to be used any more.
//
// Resize panics as Alloc does where the block is not big enough, with the buffer then unchanged;
// and with a *MisuseError after Free and on the zero Buffer, which nothing could hold the bytes of.
// It must not run at the same time as another call on the handle: Bytes may panic then, and Free
// may do nothing.
func (b Buffer) Resize(n int) {
	if b.o == nil {
		panic(&MisuseError{Func: "Buffer.Resize", What: "the zero Buffer: New makes one"})
	}
	if n < 0 {
		panic(sizeError(n))
	}
	blk := b.o.block
	// Odd again at the end: meanwhile the block is nobody else's.
	if !blk.gen.CompareAndSwap(b.gen, b.gen+1) {
		panic(&MisuseError{Func: "Buffer.Resize", What: "the buffer was freed"})
	}
	defer blk.gen.Store(b.gen)
	blk.resize(n)
	runtime.KeepAlive(b.o)
}

// resize is Resize, of the live buffer, by who alone has it.
func (blk *ownedBlock) resize(n int) {
	m, have := blk.ownedMem, blk.have()
	stays := 0 < n && n <= have && !worthShrinking(have, n)
	to := []byte{}
	if !stays {
		var err error
		if to, err = TryAlloc(n); err != nil {
			if stays = n <= have; !stays { // else less memory is to be had even where there is no more
				panic(err)
			}
		}
	}
	switch {
	case stays:
		resized(m.p, n, have)
		blk.n = n
	case n == 0:
		blk.ownedMem = ownedMem{}
	default:
		blk.ownedMem = own(unsafe.Pointer(unsafe.SliceData(to)), n)
		move(to, slice(m.p, m.n))
	}
	countHeld(n - m.n)
	if stays {
		return
	}
	if m.n > 0 {
		m.free("Buffer.Resize")
	}
	if n > m.n {
		pressed(n - m.n)
	}
}

// have is how many bytes the block holds.
func (blk *ownedBlock) have() int {
	if blk.n == 0 { // there is no block
		return 0
	}
	return blk.usable()
}

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
