//go:build ignore

// What Go and assembly know of libcmem's structures and constants, by the names that they have for
// them: cgo -godefs takes their layout from the C headers. main.go tells what becomes of it.
package c

/*
// The headers that have all of it, in this one place.
#include "cache.h"
#include "central.h"
#include "cmem.h"
#include "miss.h"
#include "pagemap.h"
#include "policy.h"
#include "scavenger.h"
#include "sizeclass.h"
#include "span.h"
#include "transfer.h"
*/
import "C"

// Limits and size classes.
const (
	NumClasses   = C.NUM_CLASSES
	NumSmall     = C.NUM_SMALL // classes below this one share spans
	MaxClassSize = C.CMEM_MAX_CLASS_SIZE
	LargeMin     = C.LARGE_MIN
	ExactMin     = C.EXACT_MIN
	ExactSpare   = C.EXACT_SPARE
	MaxMagazine  = C.MAX_MAGAZINE // the most that MagazineSize returns

	ThrashTrips     = C.THRASH_TRIPS   // of a cache are judged together
	BorrowClasses   = C.BORROW_CLASSES // a doubling, from 128 bytes on
	TransferFirst   = C.TRANSFER_FIRST // the first class that has a transfer list
	TransferBlocks  = C.TRANSFER_BLOCKS
	TransferReceive = C.TRANSFER_RECEIVE // blocks that a miss takes from a list
)

// The pagemap.
const (
	PageShift = C.PAGE_SHIFT
	LeafShift = C.LEAF_SHIFT
	LeafPages = C.LEAF_PAGES
	RootLen   = C.ROOT_LEN
)

// Tags.
const (
	TagNone     = C.TAG_NONE
	TagOwned    = C.TAG_OWNED
	TagAttached = C.TAG_ATTACHED
	TagExact    = C.TAG_EXACT
	TagSmall    = C.TAG_SMALL
	TagCached   = C.TAG_CACHED

	SpanTags = C.SPAN_TAGS
)

// Addresses are uintptr here, not pointers: the structures lie in C memory, where a pointer store
// from Go would pass the collector's write barrier for nothing.
type (
	// Entry is struct cmem__entry: a free block and where its tag lies.
	Entry C.struct_cmem__entry

	// Magazine is struct cmem__magazine. Top, Base and End are addresses of an Entry.
	Magazine C.struct_cmem__magazine

	// Trips is struct cmem__trips.
	Trips C.struct_cmem__trips

	// Share is struct cmem__share. Its owner writes Room, Capacity and Trips, C the rest.
	Share C.struct_cmem__share

	// Cache is struct cmem__cache.
	Cache C.struct_cmem__cache

	// Trip is struct cmem__trip: what goes from a cache to C and back. It lies in Go's heap: an
	// address on a stack, which may move, must not be passed as a number.
	Trip C.struct_cmem__trip

	// Transfer is struct cmem__transfer. Whoever has set Taken from 0 to 1 is in it.
	Transfer C.struct_cmem__transfer

	// Leaf is struct cmem__leaf. A page's word has its tag in the first byte, and above that the
	// address of its Span; Root is the leaf's index in the pagemap.
	Leaf C.struct_cmem__leaf

	// Span is the head of struct cmem__span. Tags is the address of SpanTags bytes.
	Span C.struct_cmem__span

	// ClassStats is struct cmem_class_stats.
	ClassStats C.struct_cmem_class_stats

	// Stats is struct cmem_stats; cmem.h describes the fields.
	Stats C.struct_cmem_stats
)
