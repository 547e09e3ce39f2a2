//go:build cgo && linux && !race && !asan && !cmem_pinned && go1.24 && !go1.28

package cmem

import (
	"runtime/debug"
	"unsafe"

	"github.com/gocmem/cmem/c"
)

// The fast paths once more, in assembly. A goroutine that runs assembly is not preempted, neither
// by a function's prologue nor by a signal (runtime/preempt.go, isAsyncSafePoint). So it stays on
// its P and holds up whoever stops the world, as if it were pinned. That saves procPin and
// procUnpin, which write one word of the M, each waiting for the one before: 4 of the 10 ns of a
// pair (docs/performance.md). Every case but the common one jumps to allocPinned or freePinned.
//
// Five dependent loads remain, from the thread to its P's cache, and all else would wait for them.
// So each thread remembers its last P and that P's cache, and goes on with that cache while the
// processor compares the P with the current one: that saves 2 of the 6 ns. (A P's address does not
// change as long as the program runs.)
//
// Where an M keeps its P differs between Go releases. So only known releases are built this way (mP
// in fast_go1*.go), and findP tries it when the program starts. Build with -tags cmem_pinned to do
// without.

// alloc is allocPinned.
func alloc(n int) unsafe.Pointer

// allocFast is allocFastOther.
func allocFast(n int) unsafe.Pointer

// free is freePinned.
//
//go:noescape
func free(p unsafe.Pointer)

// currentP returns the word at the beginning of the P that the caller runs on, found as alloc and
// free do: its number, and its status above that.
func currentP() uint64

// fastCaches is where the fast paths find the caches of Ps: caches, or nil where findP failed and
// there is no fast path.
var fastCaches = findP()

// lastCache is where a thread has, from FS: the P it ran on last, that P's cache, and where in
// caches that stands.
var lastCache = c.LastCacheOffset()

// pagemap is where the assembly finds the leaf of a block that is not in hotLeaf.
var pagemap = c.Pagemap

func fastPath() string {
	if fastCaches == nil {
		return "pinned"
	}
	return "asm"
}

func findP() (found *[maxProcs]*c.Cache) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // what is read may be no pointer
	defer func() {
		if recover() != nil {
			found = nil
		}
	}()
	const running = 1
	for range 100 { // it may be on another P by the time it is pinned
		p := currentP()
		pid := procPin()
		procUnpin()
		if p == running<<32|uint64(pid) {
			return &caches
		}
	}
	return nil
}

// Of the structures that the assembly works on: offsets as package c has them, which takes them
// from the C headers. Room, Base and Page are the first fields of Cache, Span and Leaf, Top and
// Block of Magazine and Entry, and an address in the assembly.
const (
	cacheMag   = unsafe.Offsetof(c.Cache{}.Mag)
	cacheBoost = unsafe.Offsetof(c.Cache{}.Boost)
	magBase    = unsafe.Offsetof(c.Magazine{}.Base)
	magEnd     = unsafe.Offsetof(c.Magazine{}.End)
	magAllocs  = unsafe.Offsetof(c.Magazine{}.Allocs)
	magSize    = unsafe.Sizeof(c.Magazine{})
	magShift   = 5 // magSize is 1 << magShift
	entryTag   = unsafe.Offsetof(c.Entry{}.Tag)
	leafRoot   = unsafe.Offsetof(c.Leaf{}.Root)
	spanTags   = unsafe.Offsetof(c.Span{}.Tags)
	spanMagic  = unsafe.Offsetof(c.Span{}.Magic)
	spanUnit   = unsafe.Offsetof(c.Span{}.Unit)

	borrowClasses = c.BorrowClasses
	lastClass     = numClasses - 1

	leafShift = c.LeafShift
	rootLen   = c.RootLen
	leafMask  = c.LeafPages - 1
	pageMask  = 1<<c.PageShift - 1
	tagSmall  = c.TagSmall
	tagCached = c.TagCached
	numSmall  = c.NumSmall
	numTags   = c.SpanTags
)

// What the assembly does without a constant: it does not compile where this is not so.
var (
	_ [0]struct{} = [unsafe.Offsetof(c.Cache{}.Room)]struct{}{}
	_ [0]struct{} = [unsafe.Offsetof(c.Magazine{}.Top)]struct{}{}
	_ [0]struct{} = [unsafe.Offsetof(c.Entry{}.Block)]struct{}{}
	_ [0]struct{} = [unsafe.Offsetof(c.Leaf{}.Page)]struct{}{}
	_ [0]struct{} = [unsafe.Offsetof(c.Span{}.Base)]struct{}{}

	_ [1 << magShift]struct{} = [magSize]struct{}{}
)
