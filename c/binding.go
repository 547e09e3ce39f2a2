//go:build linux && (amd64 || arm64 || riscv64)

package c

/*
#cgo CFLAGS: -std=gnu11 -O2 -fvisibility=hidden -Wall
#cgo LDFLAGS: -lpthread

// None of these calls back into Go or keeps a pointer, so arguments stay on the stack and the call
// is cheaper.
#cgo nocallback fetch
#cgo nocallback give
#cgo nocallback give_mixed
#cgo nocallback cmem__fetch_one
#cgo noescape cmem__describe
#cgo nocallback cmem__describe
#cgo noescape cmem_stats
#cgo noescape cmem__spans_text
#cgo nocallback cmem__spans_text
#cgo nocallback cmem_stats
#cgo noescape cmem__huge_alloc
#cgo nocallback cmem__huge_alloc
#cgo nocallback cmem__free_owned
#cgo nocallback cmem__calloc_direct
#cgo nocallback cmem__free_direct
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
#cgo nocallback cmem__cache_extra
#cgo nocallback cmem__cache_trim
#cgo nocallback cmem__scavenger_is_go
#cgo nocallback cmem__pages_inuse
#cgo nocallback cmem__pages_limit
#cgo nocallback cmem__cache_has_threads
#cgo nocallback cmem_alloc
#cgo nocallback cmem_calloc
#cgo nocallback cmem__unpoison_resize
#cgo noescape memcpy
#cgo nocallback memcpy

#include "block.h"
#include "cache.h"
#include "central.h"
#include "cmem.h"
#include "direct.h"
#include "large.h"
#include "pacer.h"
#include "pageheap.h"
#include "pagemap.h"
#include "release.h"
#include "report.h"
#include "scavenger.h"
#include "spans.h"
#include "tool.h"
#include "transfer.h"

#include <string.h>

// An address that is passed as a number is not looked at by cgo, which takes longer than the call.
static size_t fetch(unsigned c, uintptr_t out, size_t n) {
	return cmem__central_fetch(c, (struct cmem__entry *)out, n, NULL);
}
static void give(unsigned c, uintptr_t in, size_t n) { cmem__central_give(c, (struct cmem__entry *)in, n); }
static void give_mixed(uintptr_t in, size_t n) { cmem__central_give_mixed((struct cmem__entry *)in, n); }
*/
import "C"

import "unsafe"

// The structures of layout.go have the sizes that the C compiler of this build gives them. (Their
// fields' places are compared by the test of tests/generate.)
var (
	_ [C.sizeof_struct_cmem__entry]struct{}    = [unsafe.Sizeof(Entry{})]struct{}{}
	_ [C.sizeof_struct_cmem__magazine]struct{} = [unsafe.Sizeof(Magazine{})]struct{}{}
	_ [C.sizeof_struct_cmem__cache]struct{}    = [unsafe.Sizeof(Cache{})]struct{}{}
	_ [C.sizeof_struct_cmem__transfer]struct{} = [unsafe.Sizeof(Transfer{})]struct{}{}
	_ [C.sizeof_struct_cmem__leaf]struct{}     = [unsafe.Sizeof(Leaf{})]struct{}{}
	_ [C.sizeof_struct_cmem_stats]struct{}     = [unsafe.Sizeof(Stats{})]struct{}{}
)

// Pagemap is the root of the pagemap; entries are nil or point to a Leaf.
var Pagemap = (*[RootLen]*Leaf)(unsafe.Pointer(&C.cmem__pagemap))

// A Batch carries blocks between a cache and the central lists. It lies in Go's heap: an address on
// a stack, which may move, must not be passed as a number.
type Batch [MaxMagazine]Entry

func (b *Batch) at(i int) C.uintptr_t { return C.uintptr_t(uintptr(unsafe.Pointer(&b[i]))) }

// Fetch takes up to n free blocks of class cls from the central list into b and returns how many.
func (b *Batch) Fetch(cls uint, n int) int { return int(C.fetch(C.uint(cls), b.at(0), C.size_t(n))) }

// Give returns n blocks of class cls, from b[i] on, to the central list; their tags are TagCached.
func (b *Batch) Give(cls uint, i, n int) { C.give(C.uint(cls), b.at(i), C.size_t(n)) }

// GiveMixed is Give for the first n blocks of b, of any classes.
func (b *Batch) GiveMixed(n int) { C.give_mixed(b.at(0), C.size_t(n)) }

// FetchOne takes a block of class cls from the central list, live, and returns its address; 0 if
// out of memory. No cache has counted it.
func FetchOne(cls uint) uintptr { return uintptr(C.cmem__fetch_one(C.uint(cls))) }

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

// Trim gives so many of the oldest blocks of each class in ch, which nobody may be using, to the
// central lists.
func Trim(ch *Cache, count *[NumClasses]uint16) {
	C.cmem__cache_trim((*C.struct_cmem__cache)(unsafe.Pointer(ch)), (*C.uint16_t)(unsafe.Pointer(count)))
}

// DeleteCache gives ch, which nobody may be using, back.
func DeleteCache(ch *Cache) { C.cmem__cache_delete((*C.struct_cmem__cache)(unsafe.Pointer(ch))) }

// CacheExtra is how many bytes caches may hold beyond their ordinary limits.
func CacheExtra() int64 { return int64(C.cmem__cache_extra()) }

// CountAlloc adds an allocation of class cls that no magazine has counted.
func CountAlloc(cls uint) { C.cmem__cache_count_alloc(C.uint(cls), 1) }

// HugeAlloc allocates a huge block of n bytes, nil if out of memory.
func HugeAlloc(n int) unsafe.Pointer { return C.cmem__huge_alloc(C.size_t(n), 1, nil) }

// Calloc allocates n zeroed bytes past every cache, nil if out of memory.
func Calloc(n int) unsafe.Pointer { return C.cmem__calloc_direct(C.size_t(n)) }

// Free takes the live block at p, of any kind, past every cache; false where no live block starts
// there, or one that is owned.
func Free(p uintptr) bool { return bool(C.cmem__free_direct(C.uintptr_t(p))) }

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
// nanoseconds. It returns in how many the next step is due, the bytes that were given back, and
// CacheExtra.
func Step(idle uint64) (next uint64, released int, extra int64) {
	s := C.cmem__scavenger_step(C.uint64_t(idle))
	return uint64(s.next), int(s.released), int64(s.extra)
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

// CacheLimit is what the limit of a P's cache is to be; its owner adopts it on its slow path.
var CacheLimit = (*int64)(unsafe.Pointer(&C.cmem__cache_limit[C.CACHE_P]))

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

// Move copies n bytes, and what a tool knows of them.
func Move(to, from unsafe.Pointer, n int) { C.memcpy(to, from, C.size_t(n)) }

// Resized tells the tool that n of the live block's have bytes are in use.
func Resized(p unsafe.Pointer, n, have int) {
	C.cmem__unpoison_resize(C.uintptr_t(uintptr(p)), C.size_t(n), C.size_t(have))
}
