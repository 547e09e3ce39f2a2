//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"io"
	"time"
	"unsafe"

	"github.com/gocmem/cmem/c"
)

// The heap over libcmem. It does for Ps what C does for threads: each P has a cache, and whoever is
// pinned to the P owns it, so there is neither lock nor atomic. A pinned goroutine may make no cgo
// call. So the slow paths carry blocks in a trip between the cache (pinned) and the central lists
// (not pinned). C decides how much a cache may hold (c/budget.h), and what a cache does that has no
// block or no room (c/policy.h).
//
//	pinned_c.go       the fast paths: a block comes from a magazine, and goes into one (in
//	                  assembly: fast_amd64.go, handle_amd64.go)
//	borrow_c.go       an empty magazine, without a cgo call: a larger block, or the transfer list
//	miss_c.go         the slow path of an allocation
//	aligned_c.go      an allocation at more than 16 bytes
//	overflow_c.go     the slow path of a free
//	transfer_c.go     blocks from one P to another, without a cgo call
//	caches_c.go       the table of caches: how a P gets one, and how they are emptied
//	trim_c.go         what lies unused in caches goes back
//	tags_c.go         what starts at an address
//	owners_c.go       handles and what they own
//	scavenger_c.go    idle memory goes back
//	scarcity_c.go     how near the process is to its memory limit
//	stats_c.go        statistics and spans
//
// This file has the rest of what backend.go asks for.

// at turns an address in C memory into a pointer. The address must be tested for 0 before: the
// compiler takes what comes out for non-nil.
func at[T any](a uintptr) *T { return (*T)(unsafe.Add(unsafe.Pointer(nil), a)) }

const entrySize = unsafe.Sizeof(c.Entry{})

// shrink frees the tail of the block at p, so that it holds n bytes and little more. It returns
// false where n is too little for a block of whole pages, or the block is attached, as an attached
// block keeps its length.
func shrink(p unsafe.Pointer, n int) bool {
	if n < largeMin || isAttached(uintptr(p)) {
		return false
	}
	c.Shrink(uintptr(p), n)
	return true
}

// resized notes that n of the live block's have bytes are in use.
func resized(p unsafe.Pointer, n, have int) {
	if cacheless {
		c.Resized(p, n, have)
	}
}

// move copies b to q. Where a tool watches C does it: to MemorySanitizer Go's copy is a use of b's
// bytes, which need not all be written.
func move(q, b []byte) {
	if n := min(len(q), len(b)); cacheless && n > 0 {
		c.Move(unsafe.Pointer(&q[0]), unsafe.Pointer(&b[0]), n)
		return
	}
	copy(q, b)
}

func limitHeap(bytes int64) {
	if bytes <= 0 {
		bytes = c.NoLimit
	}
	c.Limit(int(bytes))
}

func scavenge(idle time.Duration) int64 {
	if idle == 0 {
		drain()
	}
	return int64(c.Scavenge(uint64(idle)))
}

func readStats(s *Stats) {
	*s = Stats{}
	addC(s)
}

func writeSpans(w io.Writer) error { return writeSpansC(w) }

// residentBytes is what cmem holds of the process's memory.
func residentBytes() int64 {
	var st c.Stats
	c.ReadStats(&st)
	return residentOf(&st)
}

// residentOf is residentBytes by those statistics: spans in use, free ones that were not given
// back, and cmem's own structures, of which a 64th of the heap is an upper bound for what is
// touched.
func residentOf(st *c.Stats) int64 {
	return int64(st.HeapSys - st.HeapReleased + min(st.MetadataSys, st.HeapSys/64))
}

// inUseBytes is what residentBytes would be with no free memory.
func inUseBytes() int64 {
	n := int64(c.Inuse() - c.TransferBytes())
	return n + n/64
}
