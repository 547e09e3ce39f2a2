//go:build cgo && linux && (amd64 || arm64 || riscv64)

/* layout.c: the C compiler's word on what binding.go says of the structures in c/. */
#include "ctest.h"

#include "cache.h"
#include "cmem.h"
#include "pagemap.h"
#include "sizeclass.h"
#include "span.h"
#include "transfer.h"

#define SIZE(name, type) \
    { name, sizeof(type) }
#define FIELD(name, type, field) \
    { name, offsetof(type, field) }
#define CONSTANT(name, value) \
    { name, (uint64_t)(value) }

#define ENTRY struct cmem__entry
#define MAGAZINE struct cmem__magazine
#define CACHE struct cmem__cache
#define TRANSFER struct cmem__transfer
#define LEAF struct cmem__leaf
#define SPAN struct cmem__span
#define STATS struct cmem_stats

const struct ctest_value ctest_layout[] = {
    SIZE("Entry", ENTRY),
    FIELD("Entry.Block", ENTRY, block),
    FIELD("Entry.Tag", ENTRY, tag),

    SIZE("Magazine", MAGAZINE),
    FIELD("Magazine.Top", MAGAZINE, top),
    FIELD("Magazine.Base", MAGAZINE, base),
    FIELD("Magazine.End", MAGAZINE, end),
    FIELD("Magazine.Allocs", MAGAZINE, allocs),

    SIZE("Cache", CACHE),
    FIELD("Cache.Room", CACHE, room),
    FIELD("Cache.kind", CACHE, kind),
    FIELD("Cache.Recent", CACHE, recent),
    FIELD("Cache.Limit", CACHE, limit),
    FIELD("Cache.busy", CACHE, busy),
    FIELD("Cache.taken", CACHE, taken),
    FIELD("Cache.activity", CACHE, activity),
    FIELD("Cache.activeSince", CACHE, active_since),
    FIELD("Cache.drained", CACHE, drained),
    FIELD("Cache.made", CACHE, made),
    FIELD("Cache.prev", CACHE, prev),
    FIELD("Cache.next", CACHE, next),
    FIELD("Cache.Mag", CACHE, mag),

    SIZE("Transfer", TRANSFER),
    FIELD("Transfer.Taken", TRANSFER, taken),
    FIELD("Transfer.N", TRANSFER, n),
    FIELD("Transfer.Low", TRANSFER, low),
    FIELD("Transfer.Most", TRANSFER, most),
    FIELD("Transfer.E", TRANSFER, e),

    SIZE("Leaf", LEAF),
    FIELD("Leaf.Page", LEAF, page),
    FIELD("Leaf.Root", LEAF, root),

    /* The head of it: Go has no more, and no arrays of spans. */
    FIELD("Span.Base", SPAN, base),
    FIELD("Span.NPages", SPAN, npages),
    FIELD("Span.Tags", SPAN, tags),
    FIELD("Span.Magic", SPAN, magic),
    FIELD("Span.Unit", SPAN, unit),
    FIELD("Span.Kind", SPAN, kind),
    FIELD("Span.Class", SPAN, cls),
    FIELD("Span.NBlocks", SPAN, nblocks),

    SIZE("Stats", STATS),
    FIELD("Stats.structSize", STATS, struct_size),
    FIELD("Stats.version", STATS, version),
    FIELD("Stats.HeapSys", STATS, heap_sys),
    FIELD("Stats.HeapInuse", STATS, heap_inuse),
    FIELD("Stats.HeapIdle", STATS, heap_idle),
    FIELD("Stats.HeapReleased", STATS, heap_released),
    FIELD("Stats.LiveBytes", STATS, live_bytes),
    FIELD("Stats.LiveBlocks", STATS, live_blocks),
    FIELD("Stats.MagazineBytes", STATS, magazine_bytes),
    FIELD("Stats.ThreadCacheBytes", STATS, thread_cache_bytes),
    FIELD("Stats.CentralFreeBytes", STATS, central_free_bytes),
    FIELD("Stats.MetadataSys", STATS, metadata_sys),
    FIELD("Stats.Regions", STATS, regions),
    FIELD("Stats.TotalAlloc", STATS, total_alloc),
    FIELD("Stats.Mallocs", STATS, mallocs),
    FIELD("Stats.Frees", STATS, frees),
    FIELD("Stats.Scavenges", STATS, scavenges),
    FIELD("Stats.ScavengedBytes", STATS, scavenged_bytes),
    FIELD("Stats.MovedBytes", STATS, moved_bytes),
    FIELD("Stats.HugeBytes", STATS, huge_bytes),
    FIELD("Stats.HugeBlocks", STATS, huge_blocks),
    FIELD("Stats.HugeMallocs", STATS, huge_mallocs),
    FIELD("Stats.BySize", STATS, by_size),

    CONSTANT("NumClasses", NUM_CLASSES),
    CONSTANT("NumSmall", NUM_SMALL),
    CONSTANT("MaxClassSize", CMEM_MAX_CLASS_SIZE),
    CONSTANT("LargeMin", LARGE_MIN),
    CONSTANT("ExactMin", EXACT_MIN),
    CONSTANT("ExactSpare", EXACT_SPARE),
    CONSTANT("CacheLimitP", CACHE_LIMIT_P),
    CONSTANT("PageShift", PAGE_SHIFT),
    CONSTANT("LeafShift", LEAF_SHIFT),
    CONSTANT("LeafPages", LEAF_PAGES),
    CONSTANT("RootLen", ROOT_LEN),
    CONSTANT("TagNone", TAG_NONE),
    CONSTANT("TagOwned", TAG_OWNED),
    CONSTANT("TagAttached", TAG_ATTACHED),
    CONSTANT("TagHuge", TAG_HUGE),
    CONSTANT("TagSmall", TAG_SMALL),
    CONSTANT("TagCached", TAG_CACHED),
    CONSTANT("SpanTags", SPAN_TAGS),
    CONSTANT("TransferFirst", TRANSFER_FIRST),
    CONSTANT("TransferBlocks", TRANSFER_BLOCKS),
    {NULL, 0},
};
