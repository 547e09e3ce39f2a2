package cmem

import (
	"io"
	"time"
	"unsafe"
)

// What the rest of the package uses of a heap. There are two heaps, and build constraints choose
// one: over libcmem (heap_c.go names its files) and over Go memory (heap_go.go, owners_go.go). The
// compiler compares the chosen one with this list, and TestBackend checks that the files of both
// builds use nothing else of a heap.
//
// A parameter p is the start of a block. A function with a parameter fn panics with a *MisuseError
// that names fn where p is not such a block as it needs.
var (
	// Allocation. alloc is Alloc: it panics. allocFast tries only what needs no cgo call; where it
	// returns nil the caller goes on to allocSlow, which gets more memory. Where that returns nil, out
	// of memory, the caller goes on to reclaimAndAlloc. allocAligned is allocSlow at a multiple of
	// align, a power of two.
	_ func(n int) unsafe.Pointer            = alloc
	_ func(n int) unsafe.Pointer            = allocFast
	_ func(n int, zero bool) unsafe.Pointer = allocSlow // n > 0
	_ func(n, align int) unsafe.Pointer     = allocAligned

	// Blocks of callers. owns tells whether free would take p, whatever p is. usable takes that of a
	// handle or an arena too if fn is "Usable". shrink cuts a block's tail off where it is; false where
	// it cannot. resized tells the tool that watches the memory that n of the block's have bytes are in
	// use; move copies as much as fits, as that tool wants it.
	_ func(p unsafe.Pointer)                = free
	_ func(p uintptr) bool                  = owns
	_ func(p unsafe.Pointer, fn string) int = usable
	_ func(p unsafe.Pointer, n int) bool    = shrink
	_ func(p unsafe.Pointer, n, have int)   = resized
	_ func(to, from []byte)                 = move

	// Blocks that hang on an owner (attach.go). attach marks the block as one, so that free calls
	// detach first; false where p is no block of a caller's, and attachMisuse panics with why.
	// freeAttached frees the block unless somebody has.
	_ func(p uintptr) bool = attach
	_ func(p uintptr)      = attachMisuse
	_ func(p uintptr)      = freeAttached

	// Blocks that a handle or an arena owns, which free and usable refuse. own makes one of a block of
	// n bytes that nobody else knows; usable is how many it really holds.
	_                                        = ownedMem{p: unsafe.Pointer(nil), n: 0}
	_ func(p unsafe.Pointer, n int) ownedMem = own
	_ func(m ownedMem, fn string)            = ownedMem.free
	_ func(m ownedMem) int                   = ownedMem.usable

	// Handles. newBuffer and release are New and Buffer.Free; where they have no short cut they are
	// newPinned and releasePinned, which take the Go object behind a handle from takeOwner (nil: there
	// is none) and give it back to keepOwner, with the buffer's length. countHeld counts a handle's
	// buffer as n bytes longer. heldByHandles is the bytes of
	// all handles that were not freed, lost ones too.
	_ func(n int) Buffer         = newBuffer
	_ func(o *owner, gen uint64) = release
	_ func(n int) *owner         = takeOwner
	_ func(o *owner, n int)      = keepOwner
	_ func(n int)                = countHeld
	_ func() int64               = heldByHandles

	// The whole heap. scavenge gives back what was idle for so long, 0 for everything, and returns
	// the bytes; limitHeap's limit, none if it is 0 or less, holds for allocSlow. residentBytes is
	// what Go's runtime does not count, inUseBytes the part of it that is not free. cpuTime is the
	// process's. fastPath is Stats.FastPath.
	_ func(idle time.Duration) int64 = scavenge
	_ func(bytes int64)              = limitHeap
	_ func(s *Stats)                 = readStats
	_ func(w io.Writer) error        = writeSpans
	_ func() int64                   = residentBytes
	_ func() int64                   = inUseBytes
	_ func() time.Duration           = cpuTime
	_ func() string                  = fastPath
)
