//go:build linux && (amd64 || arm64 || riscv64)

/* pageheap.c: runs of pages. Hands out spans, takes them back, coalesces, gives idle ones to the operating system.
 *
 * A free span is hot (counted as resident) or cold (given back, or never touched; reads as zero), never a mixture:
 * so what is resident is exact, however spans are split and coalesced. Where memory does not read as zero once it was given back
 * (shared memory, huge pages, locked memory) all free spans are hot. A maximal run of free spans of either kind is an
 * extent: an allocation is cut out of one extent, at the cheapest window of those that find looks at, else out of a new
 * region. What is cold in a long window is filled with hot pages from elsewhere in the heap, which the
 * kernel moves for a fraction of what it costs to give a page back and to fault another one in.
 */
#include "base.h"
#include "bins.h"
#include "cmem.h"
#include "lock.h"
#include "meta.h"
#include "os.h"
#include "pageheap.h"
#include "pagemap.h"
#include "panic.h"
#include "span.h"
#include "tool.h"

#include <errno.h>

/* The pages of all addresses there are. */
#define ADDR_PAGES ((size_t)1 << (ADDR_BITS - PAGE_SHIFT))

/* Shorter runs are not worth a system call and a fault each, unless everything is asked for. */
#define SCAVENGE_MIN_PAGES ((size_t)16)

/* Each moved piece is a mapping of its own to the kernel, which allows a process 65,530 by default. So pages are moved in
 * regions of no more than 2 GiB together: 16,384 mappings at worst. */
#define MOVABLE_MAX_PAGES (((size_t)2 << 30) >> PAGE_SHIFT)

/* Moves are for spans of 1 MiB or more: for shorter ones, of which a service may allocate a hundred thousand a second, they
 * save little and show in the slowest allocations. */
#define MOVE_FROM ((size_t)256)

/* The pieces moved for one allocation at most. */
#define MOVES_MAX 8

static struct {
    struct cmem__lock lock;
    struct cmem__bins hot;     /* hot runs */
    struct cmem__bins extents; /* by their first spans, whose first pages are marked */
    struct cmem__span age;     /* ring of the hot spans of which SCAVENGE_MIN_PAGES can go; next = oldest */
    struct cmem__span shorts;  /* ring of those of which less can go, but some, in no order */
    struct cmem__span empty;   /* ring of the cold spans that are a region that may go; next = oldest */
    struct cmem__span
        stuck; /* ring of the hot ones that are, where pages cannot be given back; next = oldest */
    struct cmem__span
        cold; /* ring of the other cold spans that were given back; next = the one to look at next */
    struct cmem__span *spare;
    size_t spares;
    size_t page; /* bytes of a physical one, from the first region on */
    struct cmem__region *regions;
    size_t nregions;
    _Atomic uint32_t growing; /* 1: a thread is about to add a region; others wait until it has, or has not */
    size_t sys_pages, inuse_pages, cold_pages;
    size_t peak_pages;   /* the most in use since the last settle */
    size_t demand_pages; /* the most in use of late, as settle sees it */
    size_t huge_blocks, huge_bytes;
    uint64_t huge_allocs, huge_alloc_bytes;
    uint64_t scavenges, scavenged_bytes;
    uint64_t faulted;     /* cold pages that were allocated */
    uint64_t activity;    /* spans ever allocated and freed */
    size_t limit_pages;   /* for spans in use and hot ones */
    size_t movable_pages; /* in movable regions */
    uint64_t moved_bytes;
    bool
        no_moves; /* the kernel has refused one, or a release: memory may be locked, and moves would unlock it */
    uint64_t refused_at; /* when the last release_hot came to nothing for refusals; 0 where it did not */
    uint64_t looked_at;  /* when cold spans were looked at */
} heap = {
    .lock = LOCK_INIT(RANK_PAGEHEAP),
    .limit_pages = SIZE_MAX,
    .hot = {.kind = TREE_RUNS},
    .extents = {.kind = TREE_EXTENTS},
    .age = {.prev = &heap.age, .next = &heap.age},
    .shorts = {.prev = &heap.shorts, .next = &heap.shorts},
    .empty = {.prev = &heap.empty, .next = &heap.empty},
    .stuck = {.prev = &heap.stuck, .next = &heap.stuck},
    .cold = {.prev = &heap.cold, .next = &heap.cold},
};

/* ------------------------------------------------------------------------------------------- runs, extents */

static bool is_free(const struct cmem__span *s) { return s->kind == SPAN_HOT || s->kind == SPAN_COLD; }

static uintptr_t last_page(const struct cmem__span *s) { return s->base + (s->npages - 1) * PAGE_SIZE; }
static uintptr_t span_end(const struct cmem__span *s) { return s->base + s->npages * PAGE_SIZE; }

/* Where the whole physical pages of s, which alone can be given back, begin and end. */
static uintptr_t whole_pages(const struct cmem__span *s, uintptr_t *end) {
    uintptr_t mask = heap.page - 1, begin = (s->base + mask) & ~mask;
    *end = span_end(s) & ~mask;
    return begin < *end ? begin : *end;
}

/* The ring that the free span s belongs to: all spans in one are of use to those who look there, so that none has to be
 * passed over. NULL for none. */
static struct cmem__span *ring_of(const struct cmem__span *s) {
    bool whole = s->npages == s->region->npages && !s->region->permanent;
    if (s->kind == SPAN_COLD) return whole ? &heap.empty : s->released ? &heap.cold : NULL;
    if (whole && (!s->region->releases || s->region->refused)) return &heap.stuck;
    if (!s->region->releases) return NULL;
    uintptr_t end, at = whole_pages(s, &end);
    if (end - at >= SCAVENGE_MIN_PAGES << PAGE_SHIFT) return &heap.age;
    return end > at ? &heap.shorts : NULL;
}

static void ring_insert(struct cmem__span *s, struct cmem__span *prev) {
    s->prev = prev;
    s->next = prev->next;
    s->prev->next = s->next->prev = s;
}

/* Adds the free span s to what is known of its kind. It stands behind `older` in the ring of ages, if it belongs there; at
 * the end of its ring where that is NULL. */
static void run_insert(struct cmem__span *s, struct cmem__span *older) {
    struct cmem__span *ring = ring_of(s);
    if (s->kind == SPAN_COLD)
        heap.cold_pages += s->npages;
    else
        cmem__bins_insert(&heap.hot, s);
    if (ring != NULL) ring_insert(s, ring == &heap.age && older != NULL ? older : ring->prev);
}

static void run_remove(struct cmem__span *s) {
    if (s->kind == SPAN_COLD)
        heap.cold_pages -= s->npages;
    else
        cmem__bins_remove(&heap.hot, s);
    if (s->prev == NULL) return;
    s->prev->next = s->next;
    s->next->prev = s->prev;
    s->prev = s->next = NULL;
}

static void extent_insert(struct cmem__span *first, size_t npages) {
    first->extent_pages = npages;
    cmem__bins_insert(&heap.extents, first);
}

/* Returns its length. */
static size_t extent_remove(struct cmem__span *first) {
    size_t npages = first->extent_pages;
    cmem__bins_remove(&heap.extents, first);
    first->extent_pages = 0;
    return npages;
}

/* --------------------------------------------------------------------------------------- span descriptors */

/* Makes sure that n spare descriptors are at hand. Drops the lock to get them, so the caller's view of the free
 * sets is stale afterwards. */
static bool reserve_spares(size_t n) {
    enum { SLAB = 32 };
    while (unlikely(heap.spares < n)) {
        unlock(&heap.lock);
        struct cmem__span *slab = cmem__meta_alloc(SLAB * sizeof *slab);
        lock(&heap.lock);
        if (slab == NULL) return false;
        for (size_t i = 0; i < SLAB; i++) {
            slab[i].next = heap.spare;
            heap.spare = &slab[i];
        }
        heap.spares += SLAB;
    }
    return true;
}

static struct cmem__span *spare_take(void) {
    struct cmem__span *s = heap.spare;
    insist(s != NULL, "no spare span descriptor", 0);
    heap.spare = s->next;
    heap.spares--;
    s->next = NULL;
    return s;
}

static void spare_put(struct cmem__span *s) {
    s->kind = SPAN_UNUSED;
    s->next = heap.spare;
    heap.spare = s;
    heap.spares++;
}

static void map_bounds(struct cmem__span *s) {
    pagemap_set(s->base, s);
    pagemap_set(last_page(s), s);
}

static void unmap_bounds(const struct cmem__span *s) {
    pagemap_set(s->base, NULL);
    pagemap_set(last_page(s), NULL);
}

/* The span that ends where s begins, or begins where s ends, in the same region; NULL where the region ends. */
static struct cmem__span *before(const struct cmem__span *s) {
    struct cmem__span *t = pagemap_span(s->base - 1);
    return t != NULL && t->region == s->region ? t : NULL;
}
static struct cmem__span *after(const struct cmem__span *s) {
    struct cmem__span *t = pagemap_span(span_end(s));
    return t != NULL && t->region == s->region ? t : NULL;
}

/* Cuts s after npages and returns the rest as a span of its own, of the same kind and age, in no set. */
static struct cmem__span *cut(struct cmem__span *s, size_t npages) {
    struct cmem__span *t = spare_take();
    t->base = s->base + npages * PAGE_SIZE;
    t->npages = s->npages - npages;
    t->kind = s->kind;
    t->region = s->region;
    t->released = s->released;
    t->unused_since = s->unused_since;
    s->npages = npages;
    map_bounds(s);
    map_bounds(t);
    return t;
}

/* Appends t, which follows s and is in no set, to s. */
static void glue(struct cmem__span *s, struct cmem__span *t) {
    pagemap_set(last_page(s), NULL);
    pagemap_set(t->base, NULL);
    s->npages += t->npages;
    s->released |= t->released;
    if (t->unused_since > s->unused_since) s->unused_since = t->unused_since;
    spare_put(t);
    map_bounds(s);
}

/* The first span of the extent that holds the free span s. */
static struct cmem__span *extent_first(struct cmem__span *s) {
    return s->extent_pages > 0 ? s : pagemap_span(cmem__pagemap_marked_before(s->base));
}

static struct cmem__span *extent_last(const struct cmem__span *first) {
    return pagemap_span(first->base + (first->extent_pages - 1) * PAGE_SIZE);
}

/* Whether the free span t, a neighbour of s, becomes one with it: those of its kind do, and all where `all` says so. */
static bool joins(const struct cmem__span *s, const struct cmem__span *t, bool all) {
    return is_free(t) && (all || t->kind == s->kind);
}

/* Makes s, in no extent, a free span of that kind from now on, in one extent with its free neighbours and one span with
 * those of its kind; a region that is free, but may not be given back page by page, becomes one hot span, so that it goes back
 * as a whole. Returns that span. Its pages were given back where it is cold and `released` says so. */
static struct cmem__span *put_free(struct cmem__span *s, enum cmem__kind kind, bool released) {
    struct cmem__span *l = before(s), *r = after(s), *first = s;
    size_t npages = s->npages;
    bool all = kind == SPAN_HOT && s->region->refused && s->region->free_pages == s->region->npages;
    s->kind = (uint8_t)kind;
    s->released = released;
    s->unused_since = cmem__now();
    if (l == NULL || !is_free(l)) cmem__pagemap_mark(s->base);
    if (r != NULL && is_free(r)) {
        npages += extent_remove(r);
        cmem__pagemap_unmark(r->base);
        for (; r != NULL && joins(s, r, all); r = after(s)) {
            run_remove(r);
            glue(s, r);
        }
    }
    if (l != NULL && is_free(l)) {
        first = extent_first(l);
        npages += extent_remove(first);
        for (; l != NULL && joins(s, l, all); l = before(s)) {
            run_remove(l);
            l->kind = s->kind;
            glue(l, s);
            s = l;
        }
    }
    run_insert(s, NULL);
    extent_insert(first, npages);
    return s;
}

static struct cmem__span *put(struct cmem__span *s, enum cmem__kind kind) {
    return put_free(s, kind, kind == SPAN_COLD);
}

/* Takes npages out of the extent of the free span s, from `skip` pages into s on. Returns them as one span that is not
 * free: SPAN_COLD where all of it was cold, else SPAN_BUSY. Needs two spare descriptors. */
static struct cmem__span *take(struct cmem__span *s, size_t skip, size_t npages) {
    struct cmem__span *first = extent_first(s), *older = s->prev;
    uintptr_t end = first->base + (extent_remove(first) << PAGE_SHIFT);
    bool cold = s->kind == SPAN_COLD;
    if (unlikely(s->region->refused) && ring_of(s) == &heap.stuck) { /* what is left of it is not */
        older = heap.age.prev;
        s->unused_since = cmem__now();
    }
    run_remove(s);
    if (skip > 0) {
        struct cmem__span *head = s;
        s = cut(s, skip);
        run_insert(head, older);
    }
    while (s->npages < npages) {
        struct cmem__span *t = after(s);
        older = t->prev;
        cold &= t->kind == SPAN_COLD;
        run_remove(t);
        if (s->npages + t->npages > npages) run_insert(cut(t, npages - s->npages), older);
        glue(s, t);
    }
    if (s->npages > npages) run_insert(cut(s, npages), older);
    if (span_end(s) < end) {
        extent_insert(after(s), (end - span_end(s)) >> PAGE_SHIFT);
        cmem__pagemap_mark(span_end(s));
    }
    if (first->base < s->base)
        extent_insert(first, (s->base - first->base) >> PAGE_SHIFT);
    else
        cmem__pagemap_unmark(s->base);
    if (!cold) s->kind = SPAN_BUSY;
    return s;
}

static size_t hot_pages(void) { return heap.sys_pages - heap.inuse_pages - heap.cold_pages; }

/* ------------------------------------------------------------------------------------------------ regions */

/* Gives a region that is not in the heap back to malloc. Called without the lock. */
static void region_delete(struct cmem__region *r) {
    cmem__os_region_delete((void *)r->base, r->npages << PAGE_SHIFT);
    cmem__meta_free(r, sizeof *r);
}

/* Gets r its bytes and their place in the pagemap; false where they are not to be had. */
static bool region_map(struct cmem__region *r, size_t bytes) {
    void *p = cmem__os_region_new(bytes, &r->releases, &r->movable);
    if (p == NULL) return false;
    r->base = (uintptr_t)p;
    r->npages = bytes >> PAGE_SHIFT;
    if (cmem__pagemap_grow(r->base, bytes)) return true;
    cmem__os_region_delete(p, bytes);
    return false;
}

static size_t region_round(size_t bytes) { return (bytes + REGION_ALIGN - 1) & ~(REGION_ALIGN - 1); }

/* Gets a region that holds npages: of the usual size, or where there is no room for that (RLIMIT_AS, RLIMIT_DATA), of half of
 * it and so on, down to what is needed. Called without the lock. */
static struct cmem__region *region_new(size_t npages, bool first) {
    size_t least = region_round(npages << PAGE_SHIFT);
    size_t bytes = first && least <= REGION_FIRST ? REGION_FIRST : REGION_SIZE;
    if (bytes < least) bytes = least;
    struct cmem__region *r = cmem__meta_alloc(sizeof *r);
    if (r == NULL) return NULL;
    while (!region_map(r, bytes)) {
        if (bytes == least) {
            cmem__meta_free(r, sizeof *r);
            errno = ENOMEM;
            return NULL;
        }
        bytes = region_round(bytes / 2);
        if (bytes < least) bytes = least;
    }
    return r;
}

static void region_add(struct cmem__region *r) {
    heap.page = cmem__os_page_size();
    r->permanent = heap.regions == NULL && r->npages == REGION_FIRST >> PAGE_SHIFT;
    r->prev = NULL;
    r->next = heap.regions;
    if (r->next != NULL) r->next->prev = r;
    heap.regions = r;
    heap.nregions++;
    heap.sys_pages += r->npages;
    r->free_pages = r->npages;
    r->movable = r->movable && heap.movable_pages + r->npages <= MOVABLE_MAX_PAGES;
    if (!r->releases) heap.no_moves = true;
    if (r->movable) heap.movable_pages += r->npages;

    struct cmem__span *s = spare_take();
    s->base = r->base;
    s->npages = r->npages;
    s->region = r;
    map_bounds(s);
    (void)put_free(s, r->releases ? SPAN_COLD : SPAN_HOT, false);
}

/* Takes the region, wholly free, out of the heap; s is its one span. */
static void region_remove(struct cmem__region *r, struct cmem__span *s) {
    run_remove(s);
    (void)extent_remove(s);
    cmem__pagemap_unmark(s->base);
    unmap_bounds(s);
    spare_put(s);
    if (r->prev != NULL)
        r->prev->next = r->next;
    else
        heap.regions = r->next;
    if (r->next != NULL) r->next->prev = r->prev;
    heap.nregions--;
    heap.sys_pages -= r->npages;
    if (r->movable) heap.movable_pages -= r->npages;
}

/* Adds a region for npages. Drops the lock meanwhile. */
static bool add_region(size_t npages) {
    bool first = heap.regions == NULL;
    unlock(&heap.lock);
    struct cmem__region *r = region_new(npages, first);
    lock(&heap.lock);
    if (r == NULL) return false;
    if (!reserve_spares(1)) {
        unlock(&heap.lock);
        region_delete(r);
        lock(&heap.lock);
        errno = ENOMEM;
        return false;
    }
    region_add(r);
    return true;
}

/* Sees to room for npages more: one thread at a time, as what one adds may do for all that wait. Returns true where it
 * is worth another look. */
static bool grow(size_t npages) {
    if (npages > ((size_t)PTRDIFF_MAX - REGION_ALIGN) >> PAGE_SHIFT) {
        errno = ENOMEM;
        return false;
    }
    if (heap.growing != 0 && !forking()) { /* for a thread that forks, whoever grows would wait itself */
        unlock(&heap.lock);
        cmem__os_wait(&heap.growing, 1, NO_TIMEOUT);
        lock(&heap.lock);
        return true;
    }
    heap.growing = 1;
    bool ok = add_region(npages);
    heap.growing = 0;
    cmem__os_wake(&heap.growing);
    return ok;
}

/* ------------------------------------------------------------------------------------------------ release */

/* Takes the whole physical pages of s, out of one of the rings of hot spans, at most the upper max_pages of them; where it
 * takes not all, it takes and leaves `leave` at least, and NULL where it cannot. */
static struct cmem__span *take_whole(struct cmem__span *s, size_t max_pages, size_t leave) {
    uintptr_t mask = heap.page - 1, hi, lo = whole_pages(s, &hi);
    if ((hi - lo) >> PAGE_SHIFT > max_pages) {
        lo = (hi - (max_pages << PAGE_SHIFT)) & ~mask;
        uintptr_t least = s->base + (leave << PAGE_SHIFT);
        if (lo < least) lo = (least + mask) & ~mask;
        if (hi <= lo || (hi - lo) >> PAGE_SHIFT < leave) return NULL;
    }
    return take(s, (lo - s->base) >> PAGE_SHIFT, (hi - lo) >> PAGE_SHIFT);
}

/* How many of the oldest hot spans are looked at. None can be taken only where all are shorter than twice SCAVENGE_MIN_PAGES
 * and max_pages is less than each of them: so little more may stay until the next call. */
#define SCAVENGE_TRIES 16

/* The next hot span to give back, or its upper max_pages, busy; NULL where there is none: the oldest one, if it has been
 * idle since before `until`, and no short one comes of the rest, which would stay; a short one too where `shorts` are
 * wanted. */
static struct cmem__span *scavenge_next(uint64_t until, bool shorts, size_t max_pages) {
    struct cmem__span *t = NULL, *s = heap.age.next;
    size_t leave = shorts ? 0 : SCAVENGE_MIN_PAGES;
    for (unsigned i = 0; i < SCAVENGE_TRIES && s != &heap.age && s->unused_since <= until; i++, s = s->next)
        if ((t = take_whole(s, max_pages, leave)) != NULL) return t;
    s = heap.shorts.next;
    return shorts && s != &heap.shorts ? take_whole(s, max_pages, 0) : NULL;
}

/* How many pages are given back in one call: the kernel takes 0.3 us for each, and others may wait for it. */
#define RELEASE_PAGES ((size_t)1024)

/* After so many refusals in a row release_hot ends, and where it came to nothing by that, it does nothing for a while: all memory
 * is locked, or the kernel is not to be asked. */
#define REFUSALS_MOST 16
#define REFUSED_NS ((uint64_t)1000000000)

/* Gives the busy span s back and puts it where it belongs. Drops the lock meanwhile. Returns false where that is refused. */
static bool release(struct cmem__span *s) {
    struct cmem__region *r = s->region;
    unlock(&heap.lock);
    bool released = cmem__os_release(s->base, s->npages << PAGE_SHIFT);
    lock(&heap.lock);
    r->refused = !released;
    if (!released) heap.no_moves = true;
    (void)put(s, released ? SPAN_COLD : SPAN_HOT);
    return released;
}

/* Gives hot spans back that have been idle since before `until`, oldest first, until no more than `keep` pages are hot,
 * with the short ones or without. Drops the lock around each call. Returns the bytes. */
static size_t release_hot(uint64_t until, bool shorts, size_t keep) {
    size_t bytes = 0, least = shorts ? 1 : SCAVENGE_MIN_PAGES;
    unsigned refusals = 0;
    if (unlikely(heap.refused_at != 0) && cmem__now() - heap.refused_at < REFUSED_NS) return 0;
    while (refusals < REFUSALS_MOST && reserve_spares(2) && hot_pages() >= keep + least) {
        size_t most = hot_pages() - keep;
        struct cmem__span *s = scavenge_next(until, shorts, most < RELEASE_PAGES ? most : RELEASE_PAGES);
        if (s == NULL) break;
        size_t len = s->npages << PAGE_SHIFT;
        if (!release(s)) {
            refusals++;
            continue;
        }
        refusals = 0;
        bytes += len;
    }
    heap.refused_at = refusals > 0 && bytes == 0 ? cmem__now() : 0;
    if (bytes > 0) {
        heap.scavenges++;
        heap.scavenged_bytes += bytes;
    }
    return bytes;
}

/* Takes a region out of the heap that has been free since before `until` and is in that ring of those; NULL where there is none. */
static struct cmem__region *take_free_region(struct cmem__span *ring, uint64_t until) {
    struct cmem__span *s = ring->next;
    if (s == ring || s->unused_since > until) return NULL;
    struct cmem__region *r = s->region;
    region_remove(r, s);
    return r;
}

/* Gives regions back to malloc that have been free since before `until` and stand in that ring, until no more than `keep` pages are
 * hot. Drops the lock meanwhile. Returns the bytes. */
static size_t free_regions(struct cmem__span *ring, uint64_t until, size_t keep) {
    size_t bytes = 0;
    struct cmem__region *r;
    while (hot_pages() >= keep && (r = take_free_region(ring, until)) != NULL) {
        bytes += r->npages << PAGE_SHIFT;
        unlock(&heap.lock);
        region_delete(r);
        lock(&heap.lock);
    }
    return bytes;
}

/* Whether npages more may be in use. */
static bool within_limit(size_t npages) {
    return heap.limit_pages == SIZE_MAX || heap.inuse_pages + npages <= heap.limit_pages;
}

/* Gives hot pages back until they are within the limit together with those in use. Drops the lock meanwhile. (Where the
 * kernel refuses, those stay that share their region with what is in use.) */
static void obey_limit(void) {
    if (likely(heap.limit_pages == SIZE_MAX)) return;
    size_t keep = heap.limit_pages > heap.inuse_pages ? heap.limit_pages - heap.inuse_pages : 0;
    (void)release_hot(UINT64_MAX, true, keep);
    (void)free_regions(&heap.stuck, UINT64_MAX, keep + 1);
}

/* ------------------------------------------------------------------------------------- allocate and free */

/* Where an allocation may go: `skip` pages into the free span s, with so many hot pages among those it takes. */
struct window {
    struct cmem__span *s;
    size_t skip;
    size_t hot;
    size_t cost;
};

/* The npages from `at` pages behind the beginning of s on, or before it where that is negative. */
static struct window place(struct cmem__span *s, ptrdiff_t at, size_t npages) {
    for (; at < 0; at += (ptrdiff_t)s->npages) s = before(s);
    for (; at >= (ptrdiff_t)s->npages; s = after(s)) at -= (ptrdiff_t)s->npages;
    struct window w = {.s = s, .skip = (size_t)at};
    size_t end = w.skip + npages, from = w.skip;
    for (;; s = after(s)) {
        size_t to = end < s->npages ? end : s->npages;
        if (s->kind == SPAN_HOT) w.hot += to - from;
        if (end <= s->npages) return w;
        end -= s->npages;
        from = 0;
    }
}

/* The window of npages in the extent that begins `at` pages behind the beginning of its span s, or before it where that is
 * negative. A cold page costs a fault, and what is left of the extent will do for less: so two pages of the extent count as
 * much as a cold one. (Simulated and measured with the loads of docs/footprint.md: to count cold pages alone saves 1 % of the
 * time and takes a third more address space; to count what is left alone costs a quarter more time.) */
static struct window window_at(const struct cmem__span *first, struct cmem__span *s, ptrdiff_t at,
                               size_t npages) {
    struct window w = place(s, at, npages);
    w.cost = 2 * (npages - w.hot) + (first->extent_pages - npages);
    return w;
}

static struct window cheaper(struct window a, struct window b) { return b.cost < a.cost ? b : a; }

/* The cheaper of the windows that begin and end the extent. */
static struct window at_ends(struct cmem__span *first, size_t npages) {
    struct window w = window_at(first, first, 0, npages);
    if (first->extent_pages == npages) return w;
    struct cmem__span *last = extent_last(first);
    return cheaper(w, window_at(first, last, (ptrdiff_t)last->npages - (ptrdiff_t)npages, npages));
}

/* The cheapest of the windows that begin or end with the hot run s, as far as the extent allows, or lie inside it. */
static struct window around(const struct cmem__span *first, struct cmem__span *s, size_t npages) {
    ptrdiff_t n = (ptrdiff_t)npages, low = (ptrdiff_t)((s->base - first->base) >> PAGE_SHIFT);
    ptrdiff_t a = (ptrdiff_t)first->extent_pages - low - n, b = (ptrdiff_t)s->npages - n;
    if (a > 0) a = 0;
    if (b < -low) b = -low;
    struct window w = window_at(first, s, a, npages);
    return a == b ? w : cheaper(w, window_at(first, s, b, npages));
}

/* How many hot runs are looked at. */
#define WINDOW_TRIES 8

/* Finds room for npages: the cheapest of the windows in the shortest extent, in the shortest hot run that is long enough,
 * and around the longest of those that are not. .s is NULL where there is none. */
static struct window find(size_t npages) {
    struct cmem__span *runs[WINDOW_TRIES], *first = cmem__bins_best_fit(&heap.extents, npages);
    if (first == NULL) return (struct window){.s = NULL};
    struct window best = at_ends(first, npages);
    if (best.hot == npages) return best;
    size_t n = 0;
    if ((runs[0] = cmem__bins_best_fit(&heap.hot, npages)) != NULL) n = 1;
    n += cmem__bins_longest_below(&heap.hot, npages, runs + n, WINDOW_TRIES - n);
    for (size_t i = 0; i < n; i++) {
        first = extent_first(runs[i]);
        if (first->extent_pages >= npages) best = cheaper(best, around(first, runs[i], npages));
    }
    return best;
}

/* Makes a window that is long enough into one of npages at a multiple of align_pages. */
static void align(struct window *w, size_t align_pages, size_t npages) {
    size_t mask = (align_pages << PAGE_SHIFT) - 1;
    uintptr_t base = w->s->base + (w->skip << PAGE_SHIFT);
    *w = place(w->s, (ptrdiff_t)(w->skip + ((((base + mask) & ~mask) - base) >> PAGE_SHIFT)), npages);
}

/* ---------------------------------------------------------------------------------------- moves of hot pages
 *
 * A window that is partly cold costs a fault a page when its owner writes there, while as many hot pages lie unused
 * elsewhere, until they are given back. The kernel can move them: it changes page tables, and copies nothing. Where it
 * cannot (before Linux 5.7, under valgrind), or not any more, faults do the work. */

struct piece {
    uintptr_t to;
    size_t npages;
    struct cmem__span *from; /* busy */
};

static uintptr_t move_up(uintptr_t a) {
    return (a + MOVE_PAGES * PAGE_SIZE - 1) & ~(MOVE_PAGES * PAGE_SIZE - 1);
}
static uintptr_t move_down(uintptr_t a) { return a & ~(MOVE_PAGES * PAGE_SIZE - 1); }

/* The cold stretches of the window that are worth a move. Returns how many. */
static size_t find_gaps(struct window w, size_t npages, struct piece *out) {
    size_t n = 0;
    if (heap.no_moves || !w.s->region->movable) return 0;
    uintptr_t at = w.s->base + (w.skip << PAGE_SHIFT), end = at + (npages << PAGE_SHIFT);
    for (struct cmem__span *s = w.s; n < MOVES_MAX && at < end; at = span_end(s), s = after(s)) {
        uintptr_t lo = move_up(at), hi = move_down(span_end(s) < end ? span_end(s) : end);
        if (s->kind == SPAN_COLD && lo < hi)
            out[n++] = (struct piece){.to = lo, .npages = (hi - lo) >> PAGE_SHIFT};
    }
    return n;
}

/* Takes a piece of up to npages out of a hot run, the smallest that is long enough or the longest; NULL where there is
 * none that may be moved. */
static struct cmem__span *take_piece(size_t npages) {
    struct cmem__span *s = cmem__bins_best_fit(&heap.hot, npages);
    if (s == NULL && cmem__bins_longest_below(&heap.hot, npages, &s, 1) == 0) return NULL;
    uintptr_t lo = move_up(s->base), hi = move_down(span_end(s));
    if (lo >= hi || !s->region->movable) return NULL;
    size_t whole = (hi - lo) >> PAGE_SHIFT;
    return take(s, (lo - s->base) >> PAGE_SHIFT, whole < npages ? whole : npages);
}

/* Finds hot pages for the gaps. Returns the number of pieces in out. Needs two spare descriptors a piece. */
static size_t take_pieces(struct piece *gap, size_t gaps, struct piece *out) {
    size_t n = 0;
    for (size_t i = 0; i < gaps && n < MOVES_MAX;) {
        struct cmem__span *s = take_piece(gap[i].npages);
        if (s == NULL) break;
        out[n++] = (struct piece){.to = gap[i].to, .npages = s->npages, .from = s};
        gap[i].to += s->npages << PAGE_SHIFT;
        gap[i].npages -= s->npages;
        if (gap[i].npages == 0) i++;
    }
    return n;
}

/* Moves the pieces into s, an allocated span, and puts the places they come from back. Drops the lock meanwhile. Returns
 * false where s has a hole now: it must never be touched. */
static bool move_pieces(struct cmem__span *s, struct piece *p, size_t n) {
    enum cmem__moved result[MOVES_MAX];
    unlock(&heap.lock);
    for (size_t i = 0; i < n; i++)
        result[i] = cmem__os_move(p[i].from->base, p[i].to, p[i].npages << PAGE_SHIFT);
    lock(&heap.lock);
    bool whole = true;
    for (size_t i = 0; i < n; i++) {
        (void)put(p[i].from, result[i] == MOVED ? SPAN_COLD : SPAN_HOT);
        if (result[i] == MOVED)
            heap.moved_bytes += p[i].npages << PAGE_SHIFT;
        else
            heap.no_moves = true;
        if (result[i] == MOVE_LOST) whole = false;
    }
    if (!whole) s->region->permanent = true; /* what malloc's free did to the hole, nobody knows */
    return whole;
}

/* A small span stands in the pagemap at each of its pages. */
static void map_all(struct cmem__span *s, struct cmem__span *value) {
    for (uintptr_t a = s->base; a < span_end(s); a += PAGE_SIZE) pagemap_set(a, value);
}

static void count_huge(size_t npages) {
    heap.huge_blocks++;
    heap.huge_bytes += npages << PAGE_SHIFT;
    heap.huge_allocs++;
    heap.huge_alloc_bytes += npages << PAGE_SHIFT;
}

/* A span with a hole stays in use for ever: a huge block, of which nobody has the address. */
static void lose(struct cmem__span *s) {
    if (s->kind != SPAN_HUGE) count_huge(s->npages);
    s->kind = SPAN_HUGE;
}

struct cmem__span *cmem__pages_alloc(size_t npages, size_t align_pages, enum cmem__kind kind, unsigned cls) {
    /* More than there are addresses: such a length has no bin. */
    if (npages > ADDR_PAGES || align_pages > ADDR_PAGES) {
        errno = ENOMEM;
        return NULL;
    }
    size_t want = npages + align_pages - 1;
    struct window w;
    lock(&heap.lock);
    for (;;) {
        if (!reserve_spares(2 + 2 * MOVES_MAX) || !within_limit(npages)) goto fail;
        w = find(want);
        if (w.s != NULL) break;
        if (!grow(want)) goto fail;
    }
    if (align_pages > 1) align(&w, align_pages, npages);
    struct piece gap[MOVES_MAX], piece[MOVES_MAX];
    size_t gaps = npages < MOVE_FROM ? 0 : find_gaps(w, npages, gap);
    struct cmem__span *s = take(w.s, w.skip, npages);
    size_t pieces = take_pieces(gap, gaps, piece), moved = 0;
    for (size_t i = 0; i < pieces; i++) moved += piece[i].npages;
    s->zeroed = s->kind == SPAN_COLD && pieces == 0;
    s->kind = (uint8_t)kind;
    s->cls = (uint8_t)cls;
    s->region->free_pages -= npages;
    heap.inuse_pages += npages;
    if (heap.peak_pages < heap.inuse_pages) heap.peak_pages = heap.inuse_pages;
    heap.activity++;
    heap.faulted += npages - w.hot - moved;
    if (kind == SPAN_SMALL) map_all(s, s);
    if (kind == SPAN_HUGE) count_huge(npages);
    if (pieces > 0 && !move_pieces(s, piece, pieces)) {
        lose(s);
        goto fail;
    }
    obey_limit();
    unlock(&heap.lock);
    return s;
fail:
    unlock(&heap.lock);
    errno = ENOMEM;
    return NULL;
}

static void free_locked(struct cmem__span *s) {
    if (s->kind == SPAN_SMALL) {
        map_all(s, NULL);
        map_bounds(s);
    }
    if (s->kind == SPAN_HUGE) {
        heap.huge_blocks--;
        heap.huge_bytes -= s->npages << PAGE_SHIFT;
    }
    heap.inuse_pages -= s->npages;
    heap.activity++;
    s->region->free_pages += s->npages;
    (void)put(s, SPAN_HOT);
}

void cmem__pages_free(struct cmem__span *s) {
    lock(&heap.lock);
    free_locked(s);
    unlock(&heap.lock);
}

bool cmem__huge_free(uintptr_t p) {
    lock(&heap.lock);
    struct cmem__span *s = pagemap_span(p);
    bool ok = s != NULL && s->kind == SPAN_HUGE && s->base == p && tag_get(pagemap_tag(p)) != TAG_NONE;
    if (ok) {
        tag_set(pagemap_tag(p), TAG_NONE);
        poison(p, s->npages << PAGE_SHIFT);
        free_locked(s);
    }
    unlock(&heap.lock);
    return ok;
}

bool cmem__pages_trim(struct cmem__span *s, size_t new_npages) {
    lock(&heap.lock);
    bool ok = reserve_spares(1);
    if (ok) {
        size_t cut_bytes = (s->npages - new_npages) << PAGE_SHIFT;
        struct cmem__span *t = cut(s, new_npages);
        poison(t->base, cut_bytes);
        if (s->kind == SPAN_HUGE) {
            t->kind = SPAN_LARGE; /* a tail is no block of its own */
            heap.huge_bytes -= cut_bytes;
        }
        free_locked(t);
    }
    unlock(&heap.lock);
    return ok;
}

void cmem__pages_reclass(struct cmem__span *s, enum cmem__kind kind, unsigned cls) {
    lock(&heap.lock);
    if (s->kind == SPAN_HUGE && kind == SPAN_LARGE) {
        heap.huge_blocks--;
        heap.huge_bytes -= s->npages << PAGE_SHIFT;
    }
    s->kind = (uint8_t)kind;
    s->cls = (uint8_t)cls;
    unlock(&heap.lock);
}

/* ----------------------------------------------------------------------------------------------- scavenge */

/* What cmem__pages_settle leaves free and resident at least: below it there is nothing to gain. */
#define HEADROOM_MIN ((size_t)1 << 20)

/* What it gives back at once, in pages, and an eighth of what is more. */
#define SETTLE_STEP (((size_t)16 << 20) >> PAGE_SHIFT)

/* ------------------------------------------------------------------------------------ huge pages
 *
 * Transparent huge pages bring memory back that was given back: the kernel fills 2 MiB at once, on a fault or in the background,
 * where as little as one page of them is resident. So now and then some cold spans are looked at. Where one is resident its region
 * gets no huge pages from then on. Elsewhere they may come: they make memory faster that is not given back. */

/* How often, and how many of them. */
#define LOOK_NS ((uint64_t)1000000000)
#define LOOKS 4

/* Whether pages are resident where the cold span s begins or ends, as far as a huge page reaches into it. Drops the lock meanwhile:
 * by then the pages may be somebody else's. */
static bool look_at(const struct cmem__span *s) {
    uintptr_t end, at = whole_pages(s, &end);
    size_t bytes = end - at, most = LOOK_PAGES << PAGE_SHIFT;
    if (bytes == 0) return false;
    unlock(&heap.lock);
    bool resident = cmem__os_any_resident(at, bytes < most ? bytes : most);
    if (!resident && bytes > most) resident = cmem__os_any_resident(end - most, most);
    lock(&heap.lock);
    return resident;
}

/* Has the region of the cold span s without huge pages from now on, and what is cold there hot, as it is resident. Drops the lock
 * meanwhile. Needs two spare descriptors. */
static void mend_refilled(struct cmem__span *s) {
    struct cmem__region *r = s->region;
    s = take(s, 0, s->npages); /* so that the region stays */
    s->kind = SPAN_BUSY;
    unlock(&heap.lock);
    cmem__os_small_pages(r->base, r->npages << PAGE_SHIFT);
    lock(&heap.lock);
    (void)put(s, SPAN_HOT);
    for (s = pagemap_span(r->base); s != NULL; s = after(s)) {
        if (s->kind != SPAN_COLD || !s->released) continue;
        s = take(s, 0, s->npages);
        s = put(s, SPAN_HOT);
    }
}

/* Looks at some cold spans, in turn, once a second. */
static void look_for_refilled(void) {
    uint64_t now = cmem__now();
    if (now - heap.looked_at < LOOK_NS) return;
    heap.looked_at = now;
    for (unsigned i = 0; i < LOOKS && reserve_spares(2) && heap.cold.next != &heap.cold; i++) {
        struct cmem__span *s = heap.cold.next;
        uintptr_t base = s->base;
        size_t npages = s->npages;
        run_remove(s);
        run_insert(s, NULL);
        if (!look_at(s) || !reserve_spares(2)) continue;
        if (s == pagemap_span(base) && s->kind == SPAN_COLD && s->base == base && s->npages == npages)
            mend_refilled(s);
    }
}

size_t cmem__pages_scavenge(uint64_t idle_ns) {
    uint64_t now = cmem__now();
    uint64_t until = now > idle_ns ? now - idle_ns : 0;
    lock(&heap.lock);
    look_for_refilled();
    if (idle_ns == 0) heap.refused_at = 0;
    size_t bytes = release_hot(until, idle_ns == 0, 0);
    if (idle_ns == 0) until = UINT64_MAX;
    bytes += free_regions(&heap.stuck, until, 0);
    (void)free_regions(&heap.empty, until, 0);
    unlock(&heap.lock);
    return bytes;
}

size_t cmem__pages_limit(size_t bytes) {
    lock(&heap.lock);
    heap.limit_pages = bytes == SIZE_MAX ? SIZE_MAX : bytes >> PAGE_SHIFT;
    size_t inuse = heap.inuse_pages;
    obey_limit();
    unlock(&heap.lock);
    return inuse << PAGE_SHIFT;
}

size_t cmem__pages_inuse(void) {
    lock(&heap.lock);
    size_t npages = heap.inuse_pages;
    unlock(&heap.lock);
    return npages << PAGE_SHIFT;
}

size_t cmem__pages_hot(void) {
    lock(&heap.lock);
    size_t npages = hot_pages();
    unlock(&heap.lock);
    return npages << PAGE_SHIFT;
}

uint64_t cmem__pages_faulted(void) {
    lock(&heap.lock);
    uint64_t n = heap.faulted;
    unlock(&heap.lock);
    return n;
}

uint64_t cmem__pages_moved(void) {
    lock(&heap.lock);
    uint64_t n = heap.moved_bytes >> PAGE_SHIFT;
    unlock(&heap.lock);
    return n;
}

uint64_t cmem__pages_activity(void) {
    lock(&heap.lock);
    uint64_t n = heap.activity;
    unlock(&heap.lock);
    return n;
}

size_t cmem__pages_sys(void) {
    lock(&heap.lock);
    size_t npages = heap.sys_pages;
    unlock(&heap.lock);
    return npages;
}

/* The pages beyond those in use that have been in use of late, by a peak that is forgotten call by call. */
static size_t headroom(unsigned patience) {
    size_t inuse = heap.inuse_pages, beyond = heap.demand_pages > inuse ? heap.demand_pages - inuse : 0;
    beyond -= patience > PATIENCE_CALL ? beyond * PATIENCE_CALL / patience : beyond;
    if (inuse + beyond < heap.peak_pages) beyond = heap.peak_pages - inuse;
    heap.demand_pages = inuse + beyond;
    heap.peak_pages = inuse;
    return patience < PATIENCE_CALL ? beyond * patience / PATIENCE_CALL : beyond;
}

size_t cmem__pages_settle(unsigned patience, unsigned reserve) {
    lock(&heap.lock);
    look_for_refilled();
    size_t keep = headroom(patience) + heap.inuse_pages * reserve / 1000;
    if (keep < HEADROOM_MIN >> PAGE_SHIFT) keep = HEADROOM_MIN >> PAGE_SHIFT;
    /* The memory of a burst goes in steps: it may come again. */
    if (hot_pages() > keep + SETTLE_STEP)
        keep = hot_pages() - SETTLE_STEP - (hot_pages() - keep - SETTLE_STEP) / 8;
    size_t bytes = release_hot(UINT64_MAX, false, keep);
    unlock(&heap.lock);
    return bytes;
}

/* ------------------------------------------------------------------------------------ reports, stats, fork */

struct cmem__span *cmem__pages_find(uintptr_t p) {
    struct cmem__region *r = heap.regions;
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
    lock(&heap.lock);
    out->heap_sys = heap.sys_pages << PAGE_SHIFT;
    out->heap_inuse = heap.inuse_pages << PAGE_SHIFT;
    out->heap_idle = (heap.sys_pages - heap.inuse_pages) << PAGE_SHIFT;
    out->heap_released = heap.cold_pages << PAGE_SHIFT;
    out->live_bytes += heap.huge_bytes;
    out->live_blocks += heap.huge_blocks;
    out->mallocs += heap.huge_allocs;
    out->total_alloc += heap.huge_alloc_bytes;
    out->regions = heap.nregions;
    out->scavenges = heap.scavenges;
    out->scavenged_bytes = heap.scavenged_bytes;
    out->moved_bytes = heap.moved_bytes;
    out->huge_bytes = heap.huge_bytes;
    out->huge_blocks = heap.huge_blocks;
    out->huge_mallocs = heap.huge_allocs;
    unlock(&heap.lock);
}

void cmem__pages_lock(void) { lock(&heap.lock); }
void cmem__pages_unlock(void) { unlock(&heap.lock); }

/* In a forked child: what other threads of the parent were doing, giving spans back or adding a region, will not be finished
 * by anybody. */
void cmem__pages_after_fork(void) {
    heap.growing = 0;
    for (struct cmem__region *r = heap.regions; r != NULL; r = r->next) {
        for (struct cmem__span *s = pagemap_span(r->base); s != NULL; s = after(s)) {
            if (s->kind == SPAN_BUSY) s = put(s, SPAN_HOT);
        }
    }
}

/* -------------------------------------------------------------------------------------------------- check */

#if CMEM_DEBUG

/* One span of a region, at address a. */
static void check_span(const struct cmem__region *r, const struct cmem__span *s, uintptr_t a) {
    insist(s != NULL, "hole in a region", a);
    insist(s->base == a && s->region == r && s->npages > 0, "span is not where the pagemap says", a);
    insist(pagemap_span(last_page(s)) == s, "span's last page is not mapped to it", a);
    insist(s->kind != SPAN_UNUSED && s->kind <= SPAN_HUGE, "span of no kind", a);
    cmem__tag t = tag_get(pagemap_tag(a));
    for (uintptr_t b = a; b < span_end(s); b += PAGE_SIZE) {
        bool edge = b == s->base || b == last_page(s);
        insist(cmem__pagemap_is_marked(b) == (b == a && s->extent_pages > 0),
               "mark that is not where an extent begins", b);
        if (s->kind == SPAN_SMALL) {
            insist(pagemap_span(b) == s, "page of a small span is not mapped", b);
        } else {
            insist(edge || pagemap_span(b) == NULL, "stale pagemap entry inside a span", b);
            insist(b == a || tag_get(pagemap_tag(b)) == TAG_NONE, "tag inside a span", b);
        }
    }
    if (!is_free(s)) insist(s->extent_pages == 0, "extent that begins with a span in use", a);
    if (s->kind == SPAN_COLD) insist(r->releases, "cold span where pages are not given back", a);
    if (is_free(s) || s->kind == SPAN_BUSY) insist(t == TAG_NONE, "tag on a free span", a);
}

/* The extent that begins with s, which follows a span in use or begins its region. Returns the number of its spans. */
static size_t check_extent(const struct cmem__span *s) {
    size_t spans = 0, npages = 0;
    for (struct cmem__span *t = pagemap_span(s->base), *last = NULL; t != NULL && is_free(t);
         last = t, t = after(t)) {
        insist(last == NULL || t->extent_pages == 0, "extent that begins inside another one", t->base);
        insist(extent_first(t) == s, "extent that begins elsewhere for one of its spans", t->base);
        insist(last == NULL || t->kind != last->kind, "two free spans of a kind side by side", t->base);
        npages += t->npages;
        spans++;
    }
    insist(s->extent_pages == npages, "extent's length is wrong", s->base);
    return spans;
}

/* Returns how many spans are in the ring. */
static size_t check_ring(const struct cmem__span *ring) {
    size_t n = 0;
    for (const struct cmem__span *s = ring->next; s != ring; s = s->next) {
        insist(s->next->prev == s, "ring of free spans is broken", s->base);
        insist(ring_of(s) == ring, "free span in the wrong ring", s->base);
        insist(ring == &heap.shorts || ring == &heap.cold || s->next == ring ||
                   s->unused_since <= s->next->unused_since,
               "ring of ages is out of order", s->base);
        n++;
    }
    return n;
}

/* Walks the page heap under its lock. */
size_t cmem__pages_check(void) {
    lock(&heap.lock);
    size_t spans = 0, extents = 0, hot = 0, in_rings = 0, sys = 0, inuse = 0, cold = 0;
    for (struct cmem__region *r = heap.regions; r != NULL; r = r->next) {
        size_t free_pages = 0, in_extent = 0;
        for (uintptr_t a = r->base; a < r->base + r->npages * PAGE_SIZE; spans++) {
            struct cmem__span *s = pagemap_span(a);
            check_span(r, s, a);
            if (is_free(s) && in_extent == 0) {
                in_extent = check_extent(s);
                extents++;
            }
            if (in_extent > 0) in_extent--;
            if (is_free(s) && ring_of(s) != NULL) in_rings++;
            if (s->kind == SPAN_HOT) hot++;
            if (s->kind == SPAN_COLD) cold += s->npages;
            if (is_free(s) || s->kind == SPAN_BUSY)
                free_pages += s->npages;
            else
                inuse += s->npages;
            a = span_end(s);
        }
        insist(free_pages == r->free_pages, "region's count of free pages is wrong", r->base);
        sys += r->npages;
    }
    insist(sys == heap.sys_pages, "count of pages is wrong", sys);
    insist(inuse == heap.inuse_pages, "count of pages in use is wrong", inuse);
    insist(cold == heap.cold_pages, "count of cold pages is wrong", cold);
    insist(cmem__bins_check(&heap.hot) == hot, "hot spans are not those in the bins", hot);
    insist(cmem__bins_check(&heap.extents) == extents, "extents are not those in the bins", extents);
    insist(check_ring(&heap.age) + check_ring(&heap.shorts) + check_ring(&heap.empty) +
                   check_ring(&heap.stuck) + check_ring(&heap.cold) ==
               in_rings,
           "free spans are not those in the rings", in_rings);
    unlock(&heap.lock);
    return spans;
}

#endif
