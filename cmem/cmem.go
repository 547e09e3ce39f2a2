// Package cmem hands out []byte backed by C memory, for large, short-lived buffers that would
// otherwise make the garbage collector keep a heap of two to three times the live bytes.
//
//	b := cmem.Alloc(n) // instead of make([]byte, n)
//	defer cmem.Free(b)
//
// A buffer is freed at once and reused at once; the collector neither scans nor counts it. An Alloc
// that is served from a magazine (a small stack of free blocks, one a P and size class) makes no
// cgo call, takes no lock and allocates nothing.
//
// # Rules
//
// Whoever holds a buffer frees it, once, by the slice that Alloc returned or one that starts where
// it does: Free(b[:0]) is fine, Free(b[1:]) is not. A slice that append has moved is Go memory and
// not to be freed. NOTHING KEEPS A BUFFER ALIVE BUT YOUR CARE: a slice of it that is used after
// Free reads and writes somebody else's bytes. Buffers hold no Go pointers: the collector does not
// look into them. AllocSlice hands out buffers of other elements than bytes, and sees to that.
//
// Misuse (a second free, a pointer that is not a block, the middle of a block, the block of a
// handle or an arena) panics with a *MisuseError that names the pointer and what it is, and leaves
// the heap as it was. Two frees of one block at the very same time are found when the block comes
// around, at the latest.
//
// For buffers whose owner may forget them there are New (a handle that frees itself when every copy
// of it is lost) and Attach (a buffer that is freed with a Go object).
//
// # Settings
//
// CMEMDEBUG, an environment variable, is a comma-separated list of name=value, as GODEBUG is:
//
//	idle=DURATION   the idle limit (SetIdleLimit), such as 5m or 500ms; 0 keeps free memory for ever
//	memlimit=1      TrackMemoryLimit from the start
//	scavtrace=1     a line on standard error for each release of the background scavenger
//
// # Tests
//
// Package cmem keeps no goroutine, so checkers of leaked goroutines find none. It may be used in
// testing/synctest bubbles, first or last, and takes none of their time; a buffer may be freed in
// another bubble than it was allocated in, or in none.
//
// # Builds
//
// With cgo on Linux (amd64, arm64, riscv64) buffers are C memory of libcmem, package c, and a block
// may be allocated in Go and freed in C, by cmem_free, or the reverse. Elsewhere, with
// CGO_ENABLED=0 and under the race detector, the same API works over Go memory: misuse is still
// found, and under -race a Free counts as a write to the whole buffer, so that a use after free by
// another goroutine is a reported race.
//
// Under -asan a use after free, and of bytes beyond those asked for, is reported, under -msan (with
// clang) a use of bytes that nobody has written since Alloc. There are no magazines then, and every
// Alloc and Free is a cgo call.
//
// Go's own linker knows no thread-local variables of C: with -ldflags=-linkmode=internal it stops
// at libcmem's, "malformed elf file: github.com/gocmem/cmem/c(.text)#67: reloc of invalid sym #8
// last_cache". Build without that flag.
package cmem

import (
	"math"
	"unsafe"
)

// Alloc returns a buffer of n bytes, with capacity n, aligned to 16 bytes and not zeroed. It is the
// caller's until it goes to Free or Realloc. Alloc(0) returns an empty slice that need not be
// freed.
//
// Alloc panics with an error that wraps ErrSize where n is negative, and one that wraps ErrNoMemory
// where no memory is to be had; TryAlloc returns them.
func Alloc(n int) []byte { return slice(alloc(n), n) }

// AllocZeroed is Alloc with every byte zero, as make([]byte, n). Pages that are fresh from the
// operating system are not zeroed again.
func AllocZeroed(n int) []byte {
	if p := allocFast(n); p != nil {
		b := slice(p, n)
		clear(b)
		return b
	}
	return mustAlloc(n, true)
}

// TryAlloc is Alloc that returns its error: one that wraps ErrSize or ErrNoMemory.
func TryAlloc(n int) ([]byte, error) {
	if p := allocFast(n); p != nil {
		return slice(p, n), nil
	}
	return tryAlloc(n, false)
}

// TryAllocZeroed is AllocZeroed that returns its error, as TryAlloc does.
func TryAllocZeroed(n int) ([]byte, error) {
	if p := allocFast(n); p != nil {
		b := slice(p, n)
		clear(b)
		return b, nil
	}
	return tryAlloc(n, true)
}

// Realloc returns a buffer of n bytes that begins with the first min(len(b), n) bytes of b; the
// rest is not zeroed. Where b's block is big enough that is b itself, resized, else the bytes move
// to a new block and b is freed; either way b is not to be used any more. A block of 64 KiB or more
// that would be less than half used gives its tail back where it is, or, below 32 KiB and over Go
// memory, moves to a smaller one if there is memory for that. A b of capacity 0 makes it Alloc(n);
// n = 0 makes it Free(b).
//
// Realloc panics as Alloc does where b's block is not big enough, with b then unchanged and still
// the caller's, and with a *MisuseError as Free does.
// A block that moves leaves the owner it was attached to (Attach): the new one is the caller's to
// free.
func Realloc(b []byte, n int) []byte {
	if cap(b) == 0 {
		return Alloc(n)
	}
	if n == 0 {
		Free(b)
		return []byte{}
	}
	if n < 0 {
		panic(sizeError(n))
	}
	p := unsafe.Pointer(unsafe.SliceData(b))
	have := usable(p, "Realloc")
	if n > have {
		return moved(p, b, Alloc(n))
	}
	if worthShrinking(have, n) {
		if shrink(p, n) {
			return slice(p, n)
		}
		if q, err := TryAlloc(n); err == nil {
			return moved(p, b, q)
		}
	}
	resized(p, n, have)
	return slice(p, n)
}

// moved is q, the new block, with the bytes of b, whose block at p is freed.
func moved(p unsafe.Pointer, b, q []byte) []byte {
	move(q, b)
	free(p)
	return q
}

// worthShrinking tells whether a block of have bytes is so much larger than n that its tail is
// worth giving back.
func worthShrinking(have, n int) bool { return have >= 64<<10 && n < have/2 }

// Free gives the buffer b back. b must start where the buffer does, whatever its length; a b of
// capacity 0 is passed over. Free panics with a *MisuseError where no live buffer starts there, or
// one that belongs to a Buffer or an Arena.
func Free(b []byte) {
	if cap(b) == 0 {
		return
	}
	free(unsafe.Pointer(unsafe.SliceData(b)))
}

// Owns tells whether Free(b) would be right: whether a live buffer starts where b does, which the
// caller may free. It is for what comes back from a function that returns the buffer it was given,
// or one that append made instead:
//
//	out := encode(b[:0], v)
//	...
//	if cmem.Owns(out) {
//		cmem.Free(out)
//	}
//
// It is false for a b of capacity 0, for Go memory, for the middle of a buffer, for one that is free,
// and for those of a handle or an arena, which only their own Free frees; it is true for one that is
// attached. It never panics, and reads nothing of b's bytes. It cannot tell a buffer that was freed
// from the one that Alloc has put in its place since.
func Owns(b []byte) bool {
	return cap(b) > 0 && owns(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
}

// Usable returns how many bytes the block of b really holds: at least cap(b), and beyond 128 bytes
// at most 12.5 % more than was asked for. Where little else is done than allocate and free, a block
// may be of a class up to twice as large.
// The bytes beyond cap(b) may be used after b = Realloc(b, Usable(b)), which stays in place, and
// not before: under -asan they are out of bounds until then. Usable panics as Free does, but for a
// buffer of a handle or an arena, whose bytes it returns; Usable of a b of capacity 0 is 0.
func Usable(b []byte) int {
	if cap(b) == 0 {
		return 0
	}
	return usable(unsafe.Pointer(unsafe.SliceData(b)), "Usable")
}

// slice makes the buffer at p into a slice, as unsafe.Slice does but without its checks of n.
func slice(p unsafe.Pointer, n int) (b []byte) {
	*(*sliceHeader)(unsafe.Pointer(&b)) = sliceHeader{p, n, n}
	return b
}

type sliceHeader struct {
	data     unsafe.Pointer
	len, cap int
}

// allocOther is alloc past the fast path.
//
//go:noinline
func allocOther(n int) unsafe.Pointer {
	return unsafe.Pointer(unsafe.SliceData(mustAlloc(n, false)))
}

func mustAlloc(n int, zero bool) []byte {
	b, err := tryAlloc(n, zero)
	if err != nil {
		panic(err)
	}
	return b
}

func tryAlloc(n int, zero bool) ([]byte, error) {
	switch {
	case n < 0:
		return nil, sizeError(n)
	case n == 0:
		return []byte{}, nil
	case n > math.MaxInt-maxClassSize:
		return nil, noMemoryError(n)
	}
	p := allocSlow(n, zero)
	if p == nil {
		p = reclaimAndAlloc(n, func() unsafe.Pointer { return allocSlow(n, zero) })
	}
	if p == nil {
		return nil, noMemoryError(n)
	}
	return slice(p, n), nil
}
