/* heap.h: the state of the page heap, which its files share: extent.c, region.c, placement.c,
 * move.c, release.c, pageheap.c, spans.c, check.c. Other files include pageheap.h instead.
 *
 * A free span is resident, or released: given back to the operating system or never touched, so it
 * reads as zero. It is never a mixture, so the count of resident pages stays exact when spans are
 * split and coalesced. In a region whose memory does not read as zero once it was given back
 * (shared memory, huge pages, locked memory) all free spans count as resident. A maximal run of
 * free spans, of either kind, is an extent.
 *
 * Lock: cmem__heap.lock, held by whoever calls anything here, and dropped around system calls and
 * malloc by those that say so.
 */
#ifndef CMEM_HEAP_H
#define CMEM_HEAP_H

#include "base.h"
#include "bins.h"
#include "lock.h"
#include "pagemap.h"
#include "span.h"

#include <stdatomic.h>
#include <stdbool.h>

/* A shorter span is released only where everything is to go: it is not worth the system call. */
#define SCAVENGE_MIN_PAGES ((size_t)16)

/* Every field is read and written under `lock`, but for `growing`. A ring is empty where its head
 * is alone in it. */
struct cmem__heap {
    struct cmem__lock lock;

    /* What is free. extent.c writes all of these, as spans are put back and carved. */
    struct cmem__bins resident; /* the resident spans */
    struct cmem__bins extents;  /* each by its first span, whose first page is marked */

    /* Rings of free spans, each in one at most: see cmem__ring_of. */
    struct cmem__span age;          /* resident, SCAVENGE_MIN_PAGES or more can go; next = oldest */
    struct cmem__span shorts;       /* resident, fewer can go, but some; in no order */
    struct cmem__span empty;        /* released, a whole region that may go; next = oldest */
    struct cmem__span unreleasable; /* resident, a whole region that goes only as such; next = oldest */
    struct cmem__span released;     /* other released ones that were touched; next = the next to look at */
    size_t released_pages;          /* in all released spans */

    /* Descriptors that no span uses, so that a change of what is free needs no memory. heap.c gets
     * them, extent.c uses them. */
    struct cmem__span *spare; /* chained by next */
    size_t spares;            /* how many */

    /* Address space. region.c writes these. */
    size_t page;                  /* bytes of a physical page, from the first region on */
    struct cmem__region *regions; /* all, the newest first */
    size_t nregions;              /* how many */
    size_t sys_pages;             /* in all of them */
    size_t movable_pages;         /* in movable ones */
    _Atomic uint32_t
        growing; /* 1: a thread is about to add a region; others wait for a change, without the lock */

    /* What is in use. pageheap.c writes these with each span that is allocated or freed. */
    size_t inuse_pages;
    size_t transfer_pages; /* of those, in transfer lists, by cmem__pages_set_transfer */
    size_t peak_pages;     /* the most of inuse_pages - transfer_pages since cmem__pages_use */
    size_t exact_blocks, exact_bytes;
    uint64_t exact_allocs, exact_alloc_bytes;
    uint64_t activity; /* spans ever allocated and freed */

    /* Moves. move.c writes these; release.c and region.c set no_moves too. */
    uint64_t moved_bytes;
    bool
        no_moves; /* the kernel has refused one, or a release: memory may be locked, and moves would unlock it */

    /* What goes back to the operating system. release.c writes these. */
    size_t limit_pages; /* for spans in use and resident ones; SIZE_MAX: no limit */
    uint64_t scavenges, scavenged_bytes;
    uint64_t refused_at; /* when the last release_spans was refused all it tried; 0: it was not */
    uint64_t looked_at;  /* when released spans were last looked at */
};

/* Hidden: reached without a detour in a shared library too. */
extern struct cmem__heap cmem__heap __attribute__((visibility("hidden")));

static inline bool is_free(const struct cmem__span *s) {
    return s->kind == SPAN_RESIDENT || s->kind == SPAN_RELEASED;
}
static inline uintptr_t last_page(const struct cmem__span *s) {
    return s->base + (s->npages - 1) * PAGE_SIZE;
}
static inline uintptr_t span_end(const struct cmem__span *s) { return s->base + s->npages * PAGE_SIZE; }

/* Where the whole physical pages of s, which alone can be given back, begin and end. */
static inline uintptr_t whole_pages(const struct cmem__span *s, uintptr_t *end) {
    uintptr_t mask = cmem__heap.page - 1, begin = (s->base + mask) & ~mask;
    *end = span_end(s) & ~mask;
    return begin < *end ? begin : *end;
}

/* Pages of free spans that are resident, or being released or moved. */
static inline size_t free_resident_pages(void) {
    return cmem__heap.sys_pages - cmem__heap.inuse_pages - cmem__heap.released_pages;
}

static inline void map_bounds(struct cmem__span *s) {
    pagemap_set(s->base, s);
    pagemap_set(last_page(s), s);
}

/* The span that ends where s begins, or begins where s ends, in the same region; NULL where the
 * region ends. */
static inline struct cmem__span *before(const struct cmem__span *s) {
    struct cmem__span *t = pagemap_span(s->base - 1);
    return t != NULL && t->region == s->region ? t : NULL;
}
static inline struct cmem__span *after(const struct cmem__span *s) {
    struct cmem__span *t = pagemap_span(span_end(s));
    return t != NULL && t->region == s->region ? t : NULL;
}

/* Makes sure that n spare descriptors are at hand. Drops the lock to get them, so the caller's view
 * of the free sets is stale afterwards. False where memory is out. */
bool cmem__spares_get(size_t n);
static inline bool reserve_spares(size_t n) { return likely(cmem__heap.spares >= n) || cmem__spares_get(n); }

#endif /* CMEM_HEAP_H */
