//go:build linux && (amd64 || arm64 || riscv64)

package c

/*
#cgo CFLAGS: -std=gnu11 -O2 -fvisibility=hidden -Wall
#cgo LDFLAGS: -lpthread

// None of these calls back into Go or keeps a pointer, so arguments stay on the stack and the call
// is cheaper.
#cgo nocallback miss
#cgo nocallback leave
#cgo nocallback judge
#cgo noescape cmem__describe
#cgo nocallback cmem__describe
#cgo noescape cmem_stats
#cgo noescape cmem__spans_text
#cgo nocallback cmem__spans_text
#cgo nocallback cmem_stats
#cgo noescape cmem__exact_alloc
#cgo nocallback cmem__exact_alloc
#cgo nocallback cmem__free_owned
#cgo nocallback cmem__calloc_uncached
#cgo nocallback cmem__free_uncached
#cgo nocallback cmem__usable
#cgo nocallback cmem__shrink
#cgo nocallback cmem__attach
#cgo nocallback cmem__cache_new
#cgo nocallback cmem__cache_flush
#cgo nocallback cmem__cache_delete
#cgo nocallback cmem__magazine_init
#cgo nocallback cmem__cache_count_alloc
#cgo nocallback cmem_scavenge
#cgo nocallback cmem__scavenger_step
#cgo nocallback cmem__pacer_scarce
#cgo nocallback cmem__cache_trim
#cgo nocallback cmem__cache_unused
#cgo nocallback cmem__cache_mark
#cgo nocallback cmem__cache_activity
#cgo nocallback cmem__scavenger_is_go
#cgo nocallback cmem__pages_inuse
#cgo nocallback cmem__pages_limit
#cgo nocallback cmem__cache_has_threads
#cgo nocallback cmem_alloc
#cgo nocallback cmem_calloc
#cgo nocallback cmem_aligned_alloc
#cgo nocallback cmem__unpoison_resize
#cgo noescape memcpy
#cgo nocallback memcpy

#include "block.h"
#include "cache.h"
#include "central.h"
#include "cmem.h"
#include "large.h"
#include "miss.h"
#include "pacer.h"
#include "pageheap.h"
#include "pagemap.h"
#include "release.h"
#include "report.h"
#include "scavenger.h"
#include "spans.h"
#include "tool.h"
#include "transfer.h"
#include "uncached.h"

#include <string.h>

// An address that is passed as a number is not looked at by cgo, which takes longer than the call.
static void miss(uintptr_t t) { cmem__miss((struct cmem__trip *)t, NULL); }
static void leave(uintptr_t e, size_t n) { cmem__central_give_mixed((struct cmem__entry *)e, n); }
static void judge(uintptr_t ch, uint32_t misses, uint32_t overflows, uint64_t bytes) {
	struct cmem__trips t = {misses, overflows, bytes};
	cmem__cache_judge(&((struct cmem__cache *)ch)->share, &t);
}
*/
import "C"

import "unsafe"

// The structures of layout.go have the sizes that the C compiler of this build gives them. (Their
// fields' places are compared by the test of tests/generate.)
var (
	_ [C.sizeof_struct_cmem__entry]struct{}    = [unsafe.Sizeof(Entry{})]struct{}{}
	_ [C.sizeof_struct_cmem__magazine]struct{} = [unsafe.Sizeof(Magazine{})]struct{}{}
	_ [C.sizeof_struct_cmem__cache]struct{}    = [unsafe.Sizeof(Cache{})]struct{}{}
	_ [C.sizeof_struct_cmem__trip]struct{}     = [unsafe.Sizeof(Trip{})]struct{}{}
	_ [C.sizeof_struct_cmem__transfer]struct{} = [unsafe.Sizeof(Transfer{})]struct{}{}
	_ [C.sizeof_struct_cmem__leaf]struct{}     = [unsafe.Sizeof(Leaf{})]struct{}{}
	_ [C.sizeof_struct_cmem_stats]struct{}     = [unsafe.Sizeof(Stats{})]struct{}{}
)

// Pagemap is the root of the pagemap; entries are nil or point to a Leaf.
var Pagemap = (*[RootLen]*Leaf)(unsafe.Pointer(&C.cmem__pagemap))

// Begin readies t for a request for n bytes, of a P that has no cache.
func (t *Trip) Begin(n int) { t.N, t.Share, t.Recent, t.Len, t.Trips = uint64(n), 0, 0, 0, Trips{} }

// Miss is cmem__miss: it gets a block for the P's cache, as the policy says.
func (t *Trip) Miss() { C.miss(C.uintptr_t(uintptr(unsafe.Pointer(t)))) }

// Leave gives the first Len blocks of t, of any classes, to the central lists; their tags are
// TagCached.
func (t *Trip) Leave() { C.leave(C.uintptr_t(uintptr(unsafe.Pointer(&t.E[0]))), C.size_t(t.Len)) }

// Judge boosts the capacity of ch if it thrashes by these trips.
func Judge(ch *Cache, t Trips) {
	C.judge(C.uintptr_t(uintptr(unsafe.Pointer(ch))), C.uint32_t(t.Misses), C.uint32_t(t.Overflows), C.uint64_t(t.Bytes))
}

// MagazineSize is how many blocks of class cls a magazine holds, at most MaxMagazine.
func MagazineSize(cls uint) int { return int(C.class_magazine(C.uint(cls))) }

// NewCache makes the cache of a P, with all its magazines: one that is made later would change
// under its owner's hands. Nil: out of memory.
func NewCache() *Cache {
	ch := C.cmem__cache_new(C.CACHE_P)
	if ch == nil {
		return nil
	}
	for cls := range NumClasses {
		if !C.cmem__magazine_init(ch, C.uint(cls)) {
			C.cmem__cache_delete(ch)
			return nil
		}
	}
	return (*Cache)(unsafe.Pointer(ch))
}

// Flush gives all blocks of ch, which nobody may be using, to the central lists.
func Flush(ch *Cache) { C.cmem__cache_flush((*C.struct_cmem__cache)(unsafe.Pointer(ch))) }

// MarkCaches begins the marks of what lies in magazines and is not used anew.
func MarkCaches() { C.cmem__cache_mark(true) }

// Unused is the bytes in ch that were not used since.
func Unused(ch *Cache) int {
	return int(C.cmem__cache_unused((*C.struct_cmem__cache)(unsafe.Pointer(ch))))
}

// Trim gives those to the central lists. Nobody may be using ch.
func Trim(ch *Cache) { C.cmem__cache_trim((*C.struct_cmem__cache)(unsafe.Pointer(ch))) }

// Activity is a number that changes whenever the cache of a P is used.
func Activity() uint64 { return uint64(C.cmem__cache_activity()) }

// DeleteCache gives ch, which nobody may be using, back.
func DeleteCache(ch *Cache) { C.cmem__cache_delete((*C.struct_cmem__cache)(unsafe.Pointer(ch))) }

// CountAlloc adds an allocation of class cls that no magazine has counted.
func CountAlloc(cls uint) { C.cmem__cache_count_alloc(C.uint(cls), 1) }

// ExactAlloc allocates n bytes in an exact span, nil if out of memory.
func ExactAlloc(n int) unsafe.Pointer { return C.cmem__exact_alloc(C.size_t(n), 1, nil) }

// Calloc allocates n zeroed bytes, uncached; nil if out of memory.
func Calloc(n int) unsafe.Pointer { return C.cmem__calloc_uncached(C.size_t(n)) }

// Free frees the live block at p, of any kind, uncached; false where no live block starts
// there, or one that is owned.
func Free(p uintptr) bool { return bool(C.cmem__free_uncached(C.uintptr_t(p))) }

// FreeOwned is Free for the owner of the block: a handle or an arena.
func FreeOwned(p uintptr) bool { return bool(C.cmem__free_owned(C.uintptr_t(p))) }

// Usable is the size of the live block at p, 0 where none starts there.
func Usable(p uintptr) int { return int(C.cmem__usable(C.uintptr_t(p))) }

// Shrink cuts the tail off the live block at p, of more than n >= LargeMin bytes; an attached or
// owned one stays as it is. It returns the block's bytes then, and tells the tool that n of them
// are in use.
func Shrink(p uintptr, n int) int { return int(C.cmem__shrink(C.uintptr_t(p), C.size_t(n))) }

// Attach marks the live block at p as attached; false where none starts there or it is attached or
// owned already.
func Attach(p uintptr) bool { return bool(C.cmem__attach(C.uintptr_t(p))) }

// Describe says what the address p is, to a function that frees blocks or to one that keeps them,
// and whether it is foreign: not in the heap.
func Describe(p uintptr, frees bool) (what string, foreign bool) {
	use := C.enum_cmem__use(C.USE_KEEPS)
	if frees {
		use = C.USE_FREES
	}
	var buf [200]byte
	text := (*C.char)(unsafe.Pointer(&buf[0]))
	where := C.cmem__describe(C.uintptr_t(p), use, text, C.size_t(len(buf)))
	return C.GoString(text), where == C.WHERE_FOREIGN
}

// ReportGoMemory has what is said of a foreign pointer say that Go's buffers are Go memory.
func ReportGoMemory() { C.cmem__report_go_memory() }

// Version is the version of libcmem, "0.1.0".
func Version() string { return C.GoString(C.cmem_version_string()) }

// ReadStats fills *s.
func ReadStats(s *Stats) {
	s.StructSize = uint32(unsafe.Sizeof(*s))
	C.cmem_stats((*C.struct_cmem_stats)(unsafe.Pointer(s)))
}

// SpansText is room for a chunk of what Spans writes.
type SpansText [C.SPANS_TEXT]byte

// Spans writes the next lines of cmem_spans into buf and returns their length, 0 at the end; *from
// is 0 at first.
func Spans(from *uintptr, buf *SpansText) int {
	return int(C.cmem__spans_text((*C.uintptr_t)(unsafe.Pointer(from)), (*C.char)(unsafe.Pointer(buf))))
}

// Scavenge gives what has been idle for idle nanoseconds back to the operating system and returns
// the bytes.
func Scavenge(idle uint64) int { return int(C.cmem_scavenge(C.uint64_t(idle))) }

// Step is a step of the scavenger: it keeps to pacer.h's law for an idle limit of so many
// nanoseconds. It returns in how many the next step is due, and the bytes that were given back.
func Step(idle uint64) (next uint64, released int) {
	s := C.cmem__scavenger_step(C.uint64_t(idle))
	return uint64(s.next), int(s.released)
}

// ScarceIdle is the idle limit, in nanoseconds, where no more than limit bytes are to be had: see
// pacer.h.
func ScarceIdle(idle uint64, limit, need, free int) uint64 {
	return uint64(C.cmem__pacer_scarce(C.uint64_t(idle), C.size_t(limit), C.size_t(need), C.size_t(free)))
}

// Scavenges tells C that the caller does what cmem_scavenger_start's thread would do: that function
// is refused from now on.
func Scavenges() { C.cmem__scavenger_is_go() }

// Limit sets the most bytes that the heap may hold, NoLimit for any number, and returns those in
// use.
func Limit(bytes int) int { return int(C.cmem__pages_limit(C.size_t(bytes))) }

// NoLimit is SIZE_MAX.
const NoLimit = -1

// Inuse is the bytes of spans in use, those in caches among them.
func Inuse() int { return int(C.cmem__pages_inuse()) }

// TransferBytes is the bytes of those that lie in transfer lists.
func TransferBytes() int { return int(C.cmem__transfer_bytes()) }

// Transfers are the transfer lists of the classes from TransferFirst on.
var Transfers = (*[NumClasses - TransferFirst]Transfer)(unsafe.Pointer(&C.cmem__transfer))

// Capacity is a P's cache's without a boost; its owner adopts it on its slow path.
var Capacity = (*int64)(unsafe.Pointer(&C.cmem__capacity[C.CACHE_P]))

// Boosts is the bytes that caches may hold beyond that, all boosts together.
func Boosts() int64 { return int64(C.cmem__budget_boosts()) }

// HasThreads tells whether a C thread has a cache.
func HasThreads() bool { return bool(C.cmem__cache_has_threads()) }

// ClassInfo describes size class cls, which must be below NumClasses.
func ClassInfo(cls uint) (size, spanBytes, blocks, minSize int) {
	var info C.struct_cmem_class_info
	if C.cmem_class_info(C.uint(cls), &info) != 0 {
		panic("cmem: no such size class")
	}
	return int(info.size), int(info.span_bytes), int(info.blocks), int(info.min_size)
}

// Cacheless tells whether no P gets a cache, for as long as the process lives: as a tool watches
// its memory (tool.c), of which C tells it.
func Cacheless() bool { return bool(C.cmem__cacheless()) }

// AllocCacheless is the Alloc of any size, and with zeroing, where no P gets a cache; nil if out of
// memory.
func AllocCacheless(n int, zero bool) unsafe.Pointer {
	if zero {
		return C.cmem_calloc(1, C.size_t(n))
	}
	return C.cmem_alloc(C.size_t(n))
}

// AllocAligned allocates n bytes at a multiple of align, a power of two, nil if out of memory. Beyond
// a page's alignment, and where no P gets a cache, it is uncached.
func AllocAligned(n, align int) unsafe.Pointer {
	return C.cmem_aligned_alloc(C.size_t(align), C.size_t(n))
}

// Move copies n bytes, and what a tool knows of them.
func Move(to, from unsafe.Pointer, n int) { C.memcpy(to, from, C.size_t(n)) }

// Resized tells the tool that n of the live block's have bytes are in use.
func Resized(p unsafe.Pointer, n, have int) {
	C.cmem__unpoison_resize(C.uintptr_t(uintptr(p)), C.size_t(n), C.size_t(have))
}
