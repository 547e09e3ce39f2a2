/* span.h: what memory is split into: spans of pages, the regions they lie in, and the tags that
 * tell which of their blocks are live.
 *
 * One byte outside a block, its tag, tells whether the block is live. For a large or exact block it
 * is the pagemap's tag of its first page, so a free costs two dependent loads; for a small block it
 * is in the span's tags. Nothing is ever stored inside free memory: a write after free cannot
 * corrupt the allocator, and free pages can be released or poisoned whole. Every allocation and
 * every free writes the block's tag. If two CPUs write tags in one cache line, a pair of calls
 * takes twice as long, so tags lie as far apart as is cheap.
 *
 * Lock: the page heap's, but for the fields that say otherwise. Types, and arithmetic on them.
 * Included by every part that handles spans or blocks.
 */
#ifndef CMEM_SPAN_H
#define CMEM_SPAN_H

#include "base.h"
#include "sizeclass.h"

#include <stdatomic.h>
#include <stdbool.h>

/* A tag is one byte: 0, the class + 1 of the live block that starts here, or one of these. */
#define TAG_NONE 0        /* no block starts here, or a free one that the central list or page heap holds */
#define TAG_OWNED 0xFB    /* a live block of a Go handle or arena: its class is in the span */
#define TAG_ATTACHED 0xFC /* a live block that Go's Attach hangs on an owner: its class is in the span */
#define TAG_EXACT 0xFD    /* a live exact block: it has no class, see SPAN_EXACT */
#define TAG_SMALL 160   /* in the pagemap only: + class, a page of a small span, which has its blocks' tags */
#define TAG_CACHED 0xFF /* a free block that sits in a cache */

/* Written by whoever owns the block at the time (caller, cache or lock holder), read by anybody who
 * passes the address to cmem_free: relaxed order is enough, as a caller that has a block got it
 * with an ordering of its own. */
typedef _Atomic uint8_t cmem__tag;

_Static_assert(NUM_CLASSES < TAG_SMALL && TAG_SMALL + NUM_SMALL <= TAG_OWNED, "tags are distinct");

#define tag_get(t) atomic_load_explicit((t), memory_order_relaxed)
#define tag_set(t, v) atomic_store_explicit((t), (uint8_t)(v), memory_order_relaxed)

/* A free block on its way: its address and where its tag lies. The tag is TAG_CACHED. Go knows this
 * layout. */
struct cmem__entry {
    uintptr_t block;
    cmem__tag *tag;
};

assert_size(struct cmem__entry, 16);
assert_offset(struct cmem__entry, block, 0);
assert_offset(struct cmem__entry, tag, 8);

/* What a span is. An exact span is one block of no class, in just the pages it needs: a huge block
 * (more than CMEM_MAX_CLASS_SIZE), or one of EXACT_MIN or more whose class has pages to spare. */
enum cmem__kind {
    SPAN_UNUSED = 0, /* a descriptor on the page heap's list of spare ones */
    SPAN_RESIDENT,   /* free, counted as resident, contents unknown */
    SPAN_RELEASED,   /* free, every page given back or never touched: it reads as zero */
    SPAN_BUSY,       /* in between: carved, to be allocated, released or moved */
    SPAN_SMALL,      /* carved into blocks of one small class */
    SPAN_LARGE,      /* one block of a large class */
    SPAN_EXACT,      /* one block of no class */
};

/* The tags of a small span, one for every 256th of it, in four cache lines of their own. A block's
 * tag is the one of its first 256th; the others, which only classes above 256 B have, stay
 * TAG_NONE. So what a cache is refilled with from a new span has lines that no other cache writes,
 * and from 9 KiB on every block has its own. That costs 0.4 to 0.7 % of a span of 256 B blocks or
 * more; with smaller ones all 256 tags are blocks'. */
#define SPAN_TAGS 256u

/* By how many bits to shift the number of a block of small class c to get that of its tag. */
static inline unsigned class_tag_shift(unsigned c) { return class_e(c) - (PAGE_SHIFT - 8); }

/* The kinds of trees a span may stand in, one of each at a time. */
enum cmem__tree {
    TREE_SPANS,   /* the page heap's resident spans, or the central list's partial spans */
    TREE_EXTENTS, /* the page heap's extents */
};

/* A run of pages. Fields belong to the page heap's lock unless said otherwise. */
struct cmem__span {
    uintptr_t base;   /* first byte; never changes while the span is in use */
    size_t npages;    /* length in pages */
    cmem__tag *tags;  /* small: SPAN_TAGS of them; set before any block is handed out */
    uint32_t magic;   /* small: ceil(2^32 / unit), for an exact division of offsets below 64 KiB */
    uint32_t unit;    /* small: bytes a tag stands for */
    uint8_t kind;     /* enum cmem__kind */
    uint8_t cls;      /* small and large: the size class */
    uint16_t nblocks; /* small: blocks in all */
    uint16_t nfree;   /* small: blocks whose tag is TAG_NONE; central lock */
    uint16_t scan;    /* small: none below this one's is TAG_NONE; central lock */
    bool zeroed;      /* set on allocation: every page was released */
    bool partial;     /* small: stands in its central list; central lock */
    bool touched;     /* released: some of its pages were in use once; false: all are untouched */

    /* Place in address-ordered trees, by enum cmem__tree. */
    struct {
        struct cmem__span *left, *right;
    } link[2];

    /* The first span of an extent, a maximal run of free spans of either kind: the extent's length
     * in pages. Else 0. */
    size_t extent_pages;

    /* Free spans: the page heap's ring they are in, NULL in none. Spare descriptors: next only. */
    struct cmem__span *prev, *next;

    struct cmem__region *region;
    uint64_t unused_since; /* free: when its youngest page was freed or released, cmem__now() */
    uint64_t rest;         /* descriptors come from slabs: no two are to share a cache line */
};

_Static_assert(sizeof(struct cmem__span) == 128, "a span descriptor is two cache lines");

/* The head is Go's too. */
assert_offset(struct cmem__span, base, 0);
assert_offset(struct cmem__span, npages, 8);
assert_offset(struct cmem__span, tags, 16);
assert_offset(struct cmem__span, magic, 24);
assert_offset(struct cmem__span, unit, 28);
assert_offset(struct cmem__span, kind, 32);
assert_offset(struct cmem__span, cls, 33);
assert_offset(struct cmem__span, nblocks, 34);

/* The number of the tag, in the small span s, of the block that may start at a; SPAN_TAGS or more
 * where none can. */
static inline unsigned small_tag(const struct cmem__span *s, uintptr_t a) {
    uint64_t off = a - s->base;
    unsigned i = (unsigned)((off * s->magic) >> 32);
    return likely(i * (uint64_t)s->unit == off) ? i : SPAN_TAGS;
}

/* A piece of address space from malloc. Belongs to the page heap's lock. */
struct cmem__region {
    uintptr_t base;
    size_t npages;
    size_t free_pages; /* pages in free spans, of any kind */
    bool permanent;    /* never given back: the first one, or one with a hole */
    bool
        releases; /* pages given back read as zero (tried when it was new); false: no span is released in it */
    bool movable; /* its pages may be moved */
    bool refused; /* the last release in it was refused */
    struct cmem__region *prev, *next;
};

#endif /* CMEM_SPAN_H */
