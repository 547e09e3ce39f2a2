//go:build linux && (amd64 || arm64 || riscv64)

/* pageheap.c: allocates spans, which are runs of pages, and frees them. */
#include "base.h"
#include "cmem.h"
#include "extent.h"
#include "heap.h"
#include "lock.h"
#include "move.h"
#include "pageheap.h"
#include "pagemap.h"
#include "placement.h"
#include "region.h"
#include "release.h"
#include "span.h"
#include "tool.h"

#include <errno.h>

/* The pages of all addresses there are. */
#define ADDR_PAGES ((size_t)1 << (ADDR_BITS - PAGE_SHIFT))

/* Whether npages more may be in use. */
static bool within_limit(size_t npages) {
    return cmem__heap.limit_pages == SIZE_MAX || cmem__heap.inuse_pages + npages <= cmem__heap.limit_pages;
}

static void note_peak(void) {
    size_t transfer = peek(cmem__heap.transfer_pages), inuse = cmem__heap.inuse_pages;
    size_t used = inuse > transfer ? inuse - transfer : 0;
    if (cmem__heap.peak_pages < used) cmem__heap.peak_pages = used;
}

void cmem__pages_set_transfer(size_t bytes) { poke(cmem__heap.transfer_pages, bytes >> PAGE_SHIFT); }

/* Sets the pagemap's entry of each page of s, as a small span has it. */
static void map_all(struct cmem__span *s, struct cmem__span *value) {
    for (uintptr_t a = s->base; a < span_end(s); a += PAGE_SIZE) pagemap_set(a, value);
}

static void count_exact(size_t npages) {
    cmem__heap.exact_blocks++;
    cmem__heap.exact_bytes += npages << PAGE_SHIFT;
    cmem__heap.exact_allocs++;
    cmem__heap.exact_alloc_bytes += npages << PAGE_SHIFT;
}

/* A span with a hole is in use for ever: it counts as a block of which nobody has the address. */
static void abandon(struct cmem__span *s) {
    if (s->kind != SPAN_EXACT) count_exact(s->npages);
    s->kind = SPAN_EXACT;
}

/* cmem__pages_alloc, or with `resident` cmem__pages_alloc_resident. */
static struct cmem__span *alloc(size_t npages, size_t align_pages, enum cmem__kind kind, unsigned cls,
                                bool resident) {
    /* More than there are addresses: such a length has no bin. */
    if (npages > ADDR_PAGES || align_pages > ADDR_PAGES) {
        errno = ENOMEM;
        return NULL;
    }
    size_t want = npages + align_pages - 1;
    struct cmem__placement p;
    lock(&cmem__heap.lock);
    for (;;) {
        if (!reserve_spares(2 + 2 * MOVES_MAX) || !within_limit(npages)) goto fail;
        if (cmem__placement_find(&p, want)) break;
        if (resident || !cmem__region_grow(want)) goto fail;
    }
    if (resident && p.resident < want) goto fail;
    if (align_pages > 1) cmem__placement_align(&p, align_pages, npages);
    struct cmem__piece gap[MOVES_MAX], piece[MOVES_MAX];
    size_t gaps = npages < MOVE_FROM ? 0 : cmem__move_gaps(&p, npages, gap);
    struct cmem__span *s = cmem__extent_carve(p.s, p.skip, npages);
    size_t pieces = cmem__move_carve(gap, gaps, piece);
    s->zeroed = s->kind == SPAN_RELEASED && pieces == 0;
    s->kind = (uint8_t)kind;
    s->cls = (uint8_t)cls;
    s->region->free_pages -= npages;
    cmem__heap.inuse_pages += npages;
    note_peak();
    cmem__heap.activity++;
    if (kind == SPAN_SMALL) map_all(s, s);
    if (kind == SPAN_EXACT) count_exact(npages);
    if (pieces > 0 && !cmem__move_pieces(s, piece, pieces)) {
        abandon(s);
        goto fail;
    }
    if (unlikely(cmem__heap.limit_pages != SIZE_MAX)) cmem__obey_limit();
    unlock(&cmem__heap.lock);
    return s;
fail:
    unlock(&cmem__heap.lock);
    if (!resident) errno = ENOMEM;
    return NULL;
}

struct cmem__span *cmem__pages_alloc(size_t npages, size_t align_pages, enum cmem__kind kind, unsigned cls) {
    return alloc(npages, align_pages, kind, cls, false);
}

struct cmem__span *cmem__pages_alloc_resident(size_t npages, size_t align_pages, enum cmem__kind kind,
                                              unsigned cls) {
    return alloc(npages, align_pages, kind, cls, true);
}

static void free_locked(struct cmem__span *s) {
    if (s->kind == SPAN_SMALL) {
        map_all(s, NULL);
        map_bounds(s);
    }
    if (s->kind == SPAN_EXACT) {
        cmem__heap.exact_blocks--;
        cmem__heap.exact_bytes -= s->npages << PAGE_SHIFT;
    }
    cmem__heap.inuse_pages -= s->npages;
    cmem__heap.activity++;
    s->region->free_pages += s->npages;
    (void)extent_put(s, SPAN_RESIDENT);
}

void cmem__pages_free(struct cmem__span *s) {
    lock(&cmem__heap.lock);
    free_locked(s);
    unlock(&cmem__heap.lock);
}

bool cmem__exact_free(uintptr_t p) {
    lock(&cmem__heap.lock);
    struct cmem__span *s = pagemap_span(p);
    bool ok = s != NULL && s->kind == SPAN_EXACT && s->base == p && tag_get(pagemap_tag(p)) != TAG_NONE;
    if (ok) {
        tag_set(pagemap_tag(p), TAG_NONE);
        poison(p, s->npages << PAGE_SHIFT);
        free_locked(s);
    }
    unlock(&cmem__heap.lock);
    return ok;
}

bool cmem__pages_trim(struct cmem__span *s, size_t new_npages) {
    lock(&cmem__heap.lock);
    bool ok = reserve_spares(1);
    if (ok) {
        size_t tail_bytes = (s->npages - new_npages) << PAGE_SHIFT;
        struct cmem__span *t = cmem__span_split(s, new_npages);
        poison(t->base, tail_bytes);
        if (s->kind == SPAN_EXACT) {
            t->kind = SPAN_LARGE; /* a tail is no block of its own */
            cmem__heap.exact_bytes -= tail_bytes;
        }
        free_locked(t);
    }
    unlock(&cmem__heap.lock);
    return ok;
}

void cmem__pages_reclass(struct cmem__span *s, enum cmem__kind kind, unsigned cls) {
    lock(&cmem__heap.lock);
    if (s->kind == SPAN_EXACT && kind == SPAN_LARGE) {
        cmem__heap.exact_blocks--;
        cmem__heap.exact_bytes -= s->npages << PAGE_SHIFT;
    }
    s->kind = (uint8_t)kind;
    s->cls = (uint8_t)cls;
    unlock(&cmem__heap.lock);
}

/* ------------------------------------------------------------------------ counts, reports, fork */

size_t cmem__pages_inuse(void) {
    lock(&cmem__heap.lock);
    size_t npages = cmem__heap.inuse_pages;
    unlock(&cmem__heap.lock);
    return npages << PAGE_SHIFT;
}

struct cmem__pages_use cmem__pages_use(void) {
    lock(&cmem__heap.lock);
    struct cmem__pages_use use = {.inuse = cmem__heap.inuse_pages << PAGE_SHIFT,
                                  .peak = cmem__heap.peak_pages << PAGE_SHIFT,
                                  .resident = free_resident_pages() << PAGE_SHIFT,
                                  .limit = SIZE_MAX};
    if (cmem__heap.limit_pages != SIZE_MAX) use.limit = cmem__heap.limit_pages << PAGE_SHIFT;
    cmem__heap.peak_pages = 0;
    note_peak();
    unlock(&cmem__heap.lock);
    return use;
}

uint64_t cmem__pages_activity(void) {
    lock(&cmem__heap.lock);
    uint64_t n = cmem__heap.activity;
    unlock(&cmem__heap.lock);
    return n;
}

size_t cmem__pages_sys(void) {
    lock(&cmem__heap.lock);
    size_t npages = cmem__heap.sys_pages;
    unlock(&cmem__heap.lock);
    return npages;
}

struct cmem__span *cmem__pages_find(uintptr_t p) {
    struct cmem__region *r = cmem__heap.regions;
    while (r != NULL && p - r->base >= r->npages << PAGE_SHIFT) r = r->next;
    if (r == NULL) return NULL;
    /* Only its bounds stand in the pagemap: the span is the one that begins last before p. */
    for (uintptr_t a = p & ~(PAGE_SIZE - 1); a >= r->base; a -= PAGE_SIZE) {
        struct cmem__span *s = pagemap_span(a);
        if (s != NULL) return s;
    }
    return NULL;
}

void cmem__pages_stats(struct cmem_stats *out) {
    lock(&cmem__heap.lock);
    out->heap_sys = cmem__heap.sys_pages << PAGE_SHIFT;
    out->heap_inuse = cmem__heap.inuse_pages << PAGE_SHIFT;
    out->heap_idle = (cmem__heap.sys_pages - cmem__heap.inuse_pages) << PAGE_SHIFT;
    out->heap_released = cmem__heap.released_pages << PAGE_SHIFT;
    out->live_bytes += cmem__heap.exact_bytes;
    out->live_blocks += cmem__heap.exact_blocks;
    out->mallocs += cmem__heap.exact_allocs;
    out->total_alloc += cmem__heap.exact_alloc_bytes;
    out->regions = cmem__heap.nregions;
    out->scavenges = cmem__heap.scavenges;
    out->scavenged_bytes = cmem__heap.scavenged_bytes;
    out->moved_bytes = cmem__heap.moved_bytes;
    /* The statistics call all exact blocks huge. */
    out->huge_bytes = cmem__heap.exact_bytes;
    out->huge_blocks = cmem__heap.exact_blocks;
    out->huge_mallocs = cmem__heap.exact_allocs;
    unlock(&cmem__heap.lock);
}

void cmem__pages_lock(void) { lock(&cmem__heap.lock); }
void cmem__pages_unlock(void) { unlock(&cmem__heap.lock); }

/* In a forked child: no thread is left to finish the releases, moves and additions of regions that
 * the parent's threads were at. */
void cmem__pages_after_fork(void) {
    cmem__heap.growing = 0;
    for (struct cmem__region *r = cmem__heap.regions; r != NULL; r = r->next) {
        for (struct cmem__span *s = pagemap_span(r->base); s != NULL; s = after(s)) {
            if (s->kind == SPAN_BUSY) s = extent_put(s, SPAN_RESIDENT);
        }
    }
}
