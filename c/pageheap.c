//go:build linux

/* pageheap.c: runs of pages. Hands out spans, takes them back, coalesces, gives idle ones to the operating system.
 *
 * A free span is hot (counted as resident) or cold (given back, or never touched; reads as zero), never a mixture:
 * so what is resident is exact, however spans are split and coalesced, and a span that is coalesced is coalesced
 * with its like only. An allocation takes the smallest fitting run of hot pages, lowest address first; then one of
 * the largest hot spans together with its neighbours; then the lowest cold span that is long enough; then any run of
 * both kinds; then a new region.
 */
#include "internal.h"
#include "poison.h"

#include <errno.h>

/* Free spans are binned by length, floor: exact below 16 pages, then 8 steps a doubling, as the size classes are.
 * The class sizes are bin bounds, so for them the first span of the first bin that is not empty fits. */
#define NUM_BINS 320

/* The pages of all addresses there are. */
#define ADDR_PAGES ((size_t)1 << (ADDR_BITS - PAGE_SHIFT))

struct free_set {
    uint64_t bitmap[NUM_BINS / 64];
    struct cmem__span *bin[NUM_BINS];
};

static struct {
    struct cmem__lock lock;
    struct free_set hot, cold;
    struct cmem__span age; /* ring of the hot spans, next = oldest */
    struct cmem__span *spare;
    size_t spares;
    struct cmem__region *regions;
    size_t nregions;
    size_t sys_pages, inuse_pages, cold_pages;
    size_t huge_blocks, huge_bytes;
    uint64_t huge_allocs, huge_alloc_bytes;
    uint64_t scavenges, scavenged_bytes;
} heap = {.lock = LOCK_INIT(RANK_PAGEHEAP), .age = {.prev = &heap.age, .next = &heap.age}};

/* ---------------------------------------------------------------------------------------------- free sets */

static unsigned bin_of(size_t npages) {
    unsigned e = npages < 16 ? 0 : 60u - (unsigned)__builtin_clzl(npages);
    return e * 8 + (unsigned)(npages >> e);
}

/* Whether every span in npages's own bin is at least npages long. */
static bool bin_exact(size_t npages) {
    unsigned e = npages < 16 ? 0 : 60u - (unsigned)__builtin_clzl(npages);
    return (npages >> e) << e == npages;
}

static struct free_set *set_of(const struct cmem__span *s) {
    return s->kind == SPAN_HOT ? &heap.hot : &heap.cold;
}

/* Adds the free span s; a hot one stands behind `older` in the ring of ages. */
static void set_insert(struct cmem__span *s, struct cmem__span *older) {
    struct free_set *f = set_of(s);
    unsigned b = bin_of(s->npages);
    f->bin[b] = cmem__tree_insert(f->bin[b], s);
    f->bitmap[b / 64] |= (uint64_t)1 << (b % 64);
    if (s->kind == SPAN_HOT) {
        s->prev = older;
        s->next = older->next;
        s->prev->next = s->next->prev = s;
    } else {
        heap.cold_pages += s->npages;
    }
}

static void set_remove(struct cmem__span *s) {
    struct free_set *f = set_of(s);
    unsigned b = bin_of(s->npages);
    f->bin[b] = cmem__tree_remove(f->bin[b], s);
    if (f->bin[b] == NULL) f->bitmap[b / 64] &= ~((uint64_t)1 << (b % 64));
    if (s->kind == SPAN_HOT) {
        s->prev->next = s->next;
        s->next->prev = s->prev;
        s->prev = s->next = NULL;
    } else {
        heap.cold_pages -= s->npages;
    }
}

/* The first bin from b on that is not empty, or NUM_BINS. */
static unsigned next_bin(const struct free_set *f, unsigned b) {
    for (unsigned w = b / 64; w < NUM_BINS / 64; w++) {
        uint64_t bits = f->bitmap[w];
        if (w == b / 64) bits &= ~(uint64_t)0 << (b % 64);
        if (bits != 0) return w * 64 + (unsigned)__builtin_ctzl(bits);
    }
    return NUM_BINS;
}

/* The last bin up to b that is not empty, or 0. */
static unsigned prev_bin(const struct free_set *f, unsigned b) {
    for (unsigned w = b / 64 + 1; w-- > 0;) {
        uint64_t bits = f->bitmap[w];
        if (w == b / 64) bits &= ~(uint64_t)0 >> (63 - b % 64);
        if (bits != 0) return w * 64 + 63u - (unsigned)__builtin_clzl(bits);
    }
    return 0;
}

static struct cmem__span *best_fit(const struct free_set *f, size_t npages) {
    unsigned b = bin_of(npages);
    if (!bin_exact(npages)) {
        struct cmem__span *s = cmem__tree_first_fit(f->bin[b], npages);
        if (s != NULL) return s;
        b++;
    }
    b = next_bin(f, b);
    return b < NUM_BINS ? cmem__tree_min(f->bin[b]) : NULL;
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

static uintptr_t last_page(const struct cmem__span *s) { return s->base + (s->npages - 1) * PAGE_SIZE; }
static uintptr_t span_end(const struct cmem__span *s) { return s->base + s->npages * PAGE_SIZE; }

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
    if (t->unused_since > s->unused_since) s->unused_since = t->unused_since;
    spare_put(t);
    map_bounds(s);
}

/* Puts the free span s, in no set, into its set, together with the neighbours of its kind. Returns the whole. */
static struct cmem__span *coalesce(struct cmem__span *s, struct cmem__span *older) {
    struct cmem__span *t = after(s);
    if (t != NULL && t->kind == s->kind) {
        if (t == older) older = t->prev;
        set_remove(t);
        glue(s, t);
    }
    t = before(s);
    if (t != NULL && t->kind == s->kind) {
        if (t == older) older = t->prev;
        set_remove(t);
        glue(t, s);
        s = t;
    }
    set_insert(s, older);
    return s;
}

/* ------------------------------------------------------------------------------------------------ regions */

/* Gets a region that holds npages. Called without the lock. */
static struct cmem__region *region_new(size_t npages, bool first, bool *zeroed) {
    size_t bytes = npages << PAGE_SHIFT;
    if (first && bytes <= REGION_FIRST)
        bytes = REGION_FIRST;
    else if (bytes <= REGION_SIZE)
        bytes = REGION_SIZE;
    else
        bytes = (bytes + REGION_ALIGN - 1) & ~(REGION_ALIGN - 1);

    struct cmem__region *r = cmem__meta_alloc(sizeof *r);
    if (r == NULL) return NULL;
    void *p = cmem__os_region_new(bytes, zeroed);
    if (p == NULL) {
        cmem__meta_free(r, sizeof *r);
        return NULL;
    }
    if (!cmem__pagemap_grow((uintptr_t)p, bytes)) {
        cmem__os_region_delete(p, bytes);
        cmem__meta_free(r, sizeof *r);
        errno = ENOMEM;
        return NULL;
    }
    r->base = (uintptr_t)p;
    r->npages = bytes >> PAGE_SHIFT;
    return r;
}

static void region_add(struct cmem__region *r, bool zeroed) {
    r->permanent = heap.regions == NULL && r->npages == REGION_FIRST >> PAGE_SHIFT;
    r->prev = NULL;
    r->next = heap.regions;
    if (r->next != NULL) r->next->prev = r;
    heap.regions = r;
    heap.nregions++;
    heap.sys_pages += r->npages;
    r->free_pages = r->npages;

    struct cmem__span *s = spare_take();
    s->base = r->base;
    s->npages = r->npages;
    s->region = r;
    s->kind = zeroed ? SPAN_COLD : SPAN_HOT;
    s->unused_since = cmem__now();
    map_bounds(s);
    set_insert(s, heap.age.prev);
}

/* Takes the region, wholly free and cold, out of the heap; its one span s is in no set. */
static void region_remove(struct cmem__region *r, struct cmem__span *s) {
    unmap_bounds(s);
    spare_put(s);
    if (r->prev != NULL)
        r->prev->next = r->next;
    else
        heap.regions = r->next;
    if (r->next != NULL) r->next->prev = r->prev;
    heap.nregions--;
    heap.sys_pages -= r->npages;
}

/* Adds a region for npages. Drops the lock meanwhile. */
static bool grow(size_t npages) {
    bool first = heap.regions == NULL;
    if (npages > ((size_t)PTRDIFF_MAX - REGION_ALIGN) >> PAGE_SHIFT) {
        errno = ENOMEM;
        return false;
    }
    unlock(&heap.lock);
    bool zeroed;
    struct cmem__region *r = region_new(npages, first, &zeroed);
    lock(&heap.lock);
    if (r == NULL) return false;
    if (!reserve_spares(1)) {
        unlock(&heap.lock);
        cmem__os_region_delete((void *)r->base, r->npages << PAGE_SHIFT);
        cmem__meta_free(r, sizeof *r);
        lock(&heap.lock);
        errno = ENOMEM;
        return false;
    }
    region_add(r, zeroed);
    return true;
}

/* ------------------------------------------------------------------------------------- allocate and free */

static bool is_free(const struct cmem__span *s) { return s->kind == SPAN_HOT || s->kind == SPAN_COLD; }

/* Looks in r for neighbouring free spans, hot and cold, that make up npages together. Returns the first. */
static struct cmem__span *find_mixed(const struct cmem__region *r, size_t npages) {
    struct cmem__span *first = NULL;
    size_t run = 0;
    for (struct cmem__span *s = pagemap_span(r->base); s != NULL; s = after(s)) {
        if (!is_free(s)) {
            first = NULL;
            run = 0;
            continue;
        }
        if (first == NULL) first = s;
        run += s->npages;
        if (run >= npages) return first;
    }
    return NULL;
}

/* Makes the free spans from s on, less the first `skip` pages of s, into one of exactly npages, in no set; what is
 * left of the first and the last stays free. */
static struct cmem__span *take_mixed(struct cmem__span *s, size_t skip, size_t npages) {
    struct cmem__span *older = s->prev;
    set_remove(s);
    if (skip > 0) {
        struct cmem__span *head = s;
        s = cut(s, skip);
        set_insert(head, older);
    }
    while (s->npages < npages) {
        struct cmem__span *t = after(s);
        older = t->prev;
        set_remove(t);
        if (s->npages + t->npages > npages) set_insert(cut(t, npages - s->npages), older);
        glue(s, t);
    }
    s->kind = SPAN_BUSY; /* neither kind: not known to be zero */
    return s;
}

/* The run of free spans around the hot span s: its first span in *first, its length. Stops once it is npages long: on
 * the right, then on the left. */
static size_t run_around(struct cmem__span *s, size_t npages, struct cmem__span **first) {
    size_t run = s->npages;
    *first = s;
    for (struct cmem__span *t = s; run < npages && (t = after(t)) != NULL && is_free(t);) run += t->npages;
    for (struct cmem__span *t = s; run < npages && (t = before(t)) != NULL && is_free(t);) {
        run += t->npages;
        *first = t;
    }
    return run;
}

/* The lowest span of at least npages, whatever its length: what is faulted in then stays together, and the regions above
 * become wholly cold. */
static struct cmem__span *low_fit(const struct free_set *f, size_t npages) {
    unsigned b = bin_of(npages);
    struct cmem__span *low = NULL;
    if (!bin_exact(npages)) {
        low = cmem__tree_first_fit(f->bin[b], npages);
        b++;
    }
    for (b = next_bin(f, b); b < NUM_BINS; b = next_bin(f, b + 1)) {
        struct cmem__span *s = cmem__tree_min(f->bin[b]);
        if (low == NULL || s->base < low->base) low = s;
    }
    return low;
}

/* How many hot spans are looked at. */
#define AROUND_TRIES 16

/* Looks for a run of npages that holds one of the largest hot spans, none of which is long enough alone: so that as few
 * pages as can be are faulted in. NULL where there is none among the first few; *skip is how much of the run's first
 * span is not needed. */
static struct cmem__span *find_around(size_t npages, size_t *skip) {
    unsigned tries = 0;
    for (unsigned b = prev_bin(&heap.hot, bin_of(npages)); b > 0; b = prev_bin(&heap.hot, b - 1)) {
        struct cmem__span *todo[AROUND_TRIES];
        unsigned n = 0;
        if (heap.hot.bin[b] != NULL) todo[n++] = heap.hot.bin[b];
        while (n > 0) {
            struct cmem__span *s = todo[--n], *first;
            if (tries++ == AROUND_TRIES || s->npages * 8 < npages) return NULL;
            size_t run = run_around(s, npages, &first);
            if (run >= npages) {
                *skip = first == s ? 0 : run - npages;
                return first;
            }
            if (s->left != NULL && n < AROUND_TRIES) todo[n++] = s->left;
            if (s->right != NULL && n < AROUND_TRIES) todo[n++] = s->right;
        }
    }
    return NULL;
}

/* Finds a run of at least npages for carve, which takes it out of its set; one of both kinds is in no set any more, and
 * busy. NULL where there is none. Searching the regions is linear, but it is done only before the address space grows, by
 * 32 MiB or more each time. */
static struct cmem__span *take_fit(size_t npages) {
    struct cmem__span *s = best_fit(&heap.hot, npages);
    size_t skip;
    if (s == NULL && (s = find_around(npages, &skip)) != NULL) return take_mixed(s, skip, npages);
    if (s == NULL) s = low_fit(&heap.cold, npages);
    if (s != NULL) return s;
    for (struct cmem__region *r = heap.regions; r != NULL; r = r->next) {
        if (r->free_pages < npages) continue;
        s = find_mixed(r, npages);
        if (s != NULL) return take_mixed(s, 0, npages);
    }
    return NULL;
}

/* As carve, for a run of both kinds that is in no set: what is left of it, for an alignment, counts as hot. */
static struct cmem__span *carve_mixed(struct cmem__span *s, size_t skip, size_t npages) {
    uint64_t now = cmem__now();
    if (s->npages > npages + skip) {
        struct cmem__span *tail = cut(s, npages + skip);
        tail->kind = SPAN_HOT;
        tail->unused_since = now;
        coalesce(tail, heap.age.prev);
    }
    if (skip > 0) {
        struct cmem__span *head = s;
        s = cut(s, skip);
        head->kind = SPAN_HOT;
        head->unused_since = now;
        coalesce(head, heap.age.prev);
    }
    return s;
}

/* Cuts [base + skip, + npages) out of the free span s and puts what is left back. */
static struct cmem__span *carve(struct cmem__span *s, size_t skip, size_t npages) {
    if (s->kind == SPAN_BUSY) return carve_mixed(s, skip, npages);
    struct cmem__span *older = s->prev; /* NULL for a cold one, which has no age */
    set_remove(s);
    if (skip > 0) {
        struct cmem__span *head = s;
        s = cut(s, skip);
        set_insert(head, older);
    }
    if (s->npages > npages) set_insert(cut(s, npages), older);
    return s;
}

/* A small span stands in the pagemap at each of its pages. */
static void map_all(struct cmem__span *s, struct cmem__span *value) {
    for (uintptr_t a = s->base; a < span_end(s); a += PAGE_SIZE) pagemap_set(a, value);
}

struct cmem__span *cmem__pages_alloc(size_t npages, size_t align_pages, enum cmem__kind kind, unsigned cls) {
    /* More than there are addresses: such a length has no bin. */
    if (npages > ADDR_PAGES || align_pages > ADDR_PAGES) {
        errno = ENOMEM;
        return NULL;
    }
    size_t want = npages + align_pages - 1;
    struct cmem__span *s;
    lock(&heap.lock);
    for (;;) {
        if (!reserve_spares(3)) goto fail;
        s = take_fit(want);
        if (s != NULL) break;
        if (!grow(want)) goto fail;
    }
    size_t align_mask = (align_pages << PAGE_SHIFT) - 1;
    size_t skip = (((s->base + align_mask) & ~align_mask) - s->base) >> PAGE_SHIFT;
    s = carve(s, skip, npages);
    s->zeroed = s->kind == SPAN_COLD;
    s->kind = (uint8_t)kind;
    s->cls = (uint8_t)cls;
    s->region->free_pages -= npages;
    heap.inuse_pages += npages;
    if (kind == SPAN_SMALL) map_all(s, s);
    if (kind == SPAN_HUGE) {
        heap.huge_blocks++;
        heap.huge_bytes += npages << PAGE_SHIFT;
        heap.huge_allocs++;
        heap.huge_alloc_bytes += npages << PAGE_SHIFT;
    }
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
    s->region->free_pages += s->npages;
    s->kind = SPAN_HOT;
    s->unused_since = cmem__now();
    coalesce(s, heap.age.prev);
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

/* Shorter runs are not worth a system call and a fault each, unless everything is asked for. */
#define SCAVENGE_MIN_PAGES ((size_t)16)

/* What cmem__pages_settle leaves free and resident: a share of what is in use, so that the ordinary ups and downs of
 * the load fault nothing in, and a minimum, below which there is nothing to gain. docs/design.md has the measurements. */
#define HEADROOM_SHARE 8
#define HEADROOM_MIN ((size_t)4 << 20)

/* The oldest hot span that has been idle since before `until`, or its upper max_pages, trimmed to whole physical pages,
 * marked busy and in no set; NULL where there is none. */
static struct cmem__span *scavenge_next(uint64_t until, size_t min_pages, size_t max_pages) {
    for (struct cmem__span *s = heap.age.next; s != &heap.age && s->unused_since <= until; s = s->next) {
        uintptr_t page = cmem__os_page_size();
        uintptr_t lo = (s->base + page - 1) & ~(page - 1), hi = span_end(s) & ~(page - 1);
        if (hi <= lo || (hi - lo) >> PAGE_SHIFT < min_pages) continue;
        if ((hi - lo) >> PAGE_SHIFT > max_pages) lo = (hi - (max_pages << PAGE_SHIFT)) & ~(page - 1);
        s = carve(s, (lo - s->base) >> PAGE_SHIFT, (hi - lo) >> PAGE_SHIFT);
        s->kind = SPAN_BUSY;
        return s;
    }
    return NULL;
}

/* Puts the busy span s back, cold or (where the kernel refused) hot. */
static void scavenge_done(struct cmem__span *s, bool released) {
    s->kind = released ? SPAN_COLD : SPAN_HOT;
    s->unused_since = cmem__now();
    coalesce(s, heap.age.prev);
}

/* Takes a region that has been wholly cold since before `until` and may go out of the heap; NULL where there is none. */
static struct cmem__region *take_cold_region(uint64_t until) {
    for (struct cmem__region *r = heap.regions; r != NULL; r = r->next) {
        struct cmem__span *s = pagemap_span(r->base);
        if (r->permanent || s->kind != SPAN_COLD || s->npages != r->npages || s->unused_since > until)
            continue;
        set_remove(s);
        region_remove(r, s);
        return r;
    }
    return NULL;
}

static size_t hot_pages(void) { return heap.sys_pages - heap.inuse_pages - heap.cold_pages; }

/* Gives hot spans back that have been idle since before `until`, oldest first, in runs of min_pages or more, until no
 * more than `keep` pages are hot. Drops the lock around each call. Returns the bytes. */
static size_t release_hot(uint64_t until, size_t min_pages, size_t keep) {
    size_t bytes = 0;
    while (hot_pages() >= keep + min_pages && reserve_spares(2) && hot_pages() >= keep + min_pages) {
        struct cmem__span *s = scavenge_next(until, min_pages, hot_pages() - keep);
        if (s == NULL) break;
        size_t len = s->npages << PAGE_SHIFT;
        unlock(&heap.lock);
        bool released = cmem__os_release(s->base, len);
        lock(&heap.lock);
        scavenge_done(s, released);
        if (!released) break; /* locked pages: the others will be refused too */
        bytes += len;
    }
    if (bytes > 0) {
        heap.scavenges++;
        heap.scavenged_bytes += bytes;
    }
    return bytes;
}

size_t cmem__pages_scavenge(uint64_t idle_ns) {
    uint64_t now = cmem__now();
    uint64_t until = now > idle_ns ? now - idle_ns : 0;
    lock(&heap.lock);
    size_t bytes = release_hot(until, idle_ns == 0 ? 1 : SCAVENGE_MIN_PAGES, 0);
    struct cmem__region *r;
    while ((r = take_cold_region(idle_ns == 0 ? UINT64_MAX : until)) != NULL) {
        unlock(&heap.lock);
        cmem__os_region_delete((void *)r->base, r->npages << PAGE_SHIFT);
        cmem__meta_free(r, sizeof *r);
        lock(&heap.lock);
    }
    unlock(&heap.lock);
    return bytes;
}

size_t cmem__pages_settle(void) {
    lock(&heap.lock);
    size_t keep = heap.inuse_pages / HEADROOM_SHARE;
    if (keep < HEADROOM_MIN >> PAGE_SHIFT) keep = HEADROOM_MIN >> PAGE_SHIFT;
    size_t bytes = release_hot(UINT64_MAX, SCAVENGE_MIN_PAGES, keep);
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
    unlock(&heap.lock);
}

void cmem__pages_lock(void) { lock(&heap.lock); }
void cmem__pages_unlock(void) { unlock(&heap.lock); }

/* In a forked child: spans that another thread of the parent was giving back will not be finished by anybody. */
void cmem__pages_after_fork(void) {
    for (struct cmem__region *r = heap.regions; r != NULL; r = r->next) {
        for (struct cmem__span *s = pagemap_span(r->base); s != NULL; s = after(s)) {
            if (s->kind != SPAN_BUSY) continue;
            s->kind = SPAN_HOT;
            s->unused_since = cmem__now();
            s = coalesce(s, heap.age.prev);
        }
    }
}

/* -------------------------------------------------------------------------------------------------- check */

#if CMEM_DEBUG

static size_t check_tree(const struct cmem__span *s, enum cmem__kind kind, unsigned bin, uintptr_t lo,
                         uintptr_t hi) {
    if (s == NULL) return 0;
    insist(s->base >= lo && s->base < hi, "free tree is out of order", s->base);
    insist(s->kind == kind, "free span of the wrong kind", s->base);
    insist(bin_of(s->npages) == bin, "free span in the wrong bin", s->base);
    return 1 + check_tree(s->left, kind, bin, lo, s->base) + check_tree(s->right, kind, bin, s->base + 1, hi);
}

static size_t check_set(const struct free_set *f, enum cmem__kind kind) {
    size_t n = 0;
    for (unsigned b = 0; b < NUM_BINS; b++) {
        bool bit = (f->bitmap[b / 64] >> (b % 64)) & 1;
        insist(bit == (f->bin[b] != NULL), "bin bitmap is wrong", b);
        n += check_tree(f->bin[b], kind, b, 0, UINTPTR_MAX);
    }
    return n;
}

/* One span of a region, at address a. */
static void check_span(const struct cmem__region *r, const struct cmem__span *s, uintptr_t a) {
    insist(s != NULL, "hole in a region", a);
    insist(s->base == a && s->region == r && s->npages > 0, "span is not where the pagemap says", a);
    insist(pagemap_span(last_page(s)) == s, "span's last page is not mapped to it", a);
    insist(s->kind != SPAN_UNUSED && s->kind <= SPAN_HUGE, "span of no kind", a);
    cmem__tag t = tag_get(pagemap_tag(a));
    for (uintptr_t b = a; b < span_end(s); b += PAGE_SIZE) {
        bool edge = b == s->base || b == last_page(s);
        if (s->kind == SPAN_SMALL) {
            insist(pagemap_span(b) == s, "page of a small span is not mapped", b);
        } else {
            insist(edge || pagemap_span(b) == NULL, "stale pagemap entry inside a span", b);
            insist(b == a || tag_get(pagemap_tag(b)) == TAG_NONE, "tag inside a span", b);
        }
    }
    if (is_free(s) || s->kind == SPAN_BUSY) insist(t == TAG_NONE, "tag on a free span", a);
}

/* Walks the page heap under its lock. */
size_t cmem__pages_check(void) {
    lock(&heap.lock);
    size_t spans = 0, free_spans = 0, hot = 0, sys = 0, inuse = 0, cold = 0;
    for (struct cmem__region *r = heap.regions; r != NULL; r = r->next) {
        size_t free_pages = 0;
        enum cmem__kind last = SPAN_UNUSED;
        for (uintptr_t a = r->base; a < r->base + r->npages * PAGE_SIZE;) {
            struct cmem__span *s = pagemap_span(a);
            check_span(r, s, a);
            insist(!is_free(s) || s->kind != last, "two free spans of a kind side by side", a);
            last = s->kind;
            spans++;
            if (is_free(s)) free_spans++;
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
    insist(check_set(&heap.hot, SPAN_HOT) + check_set(&heap.cold, SPAN_COLD) == free_spans,
           "a free span is in no bin", free_spans);
    for (struct cmem__span *s = heap.age.next; s != &heap.age; s = s->next) {
        insist(s->kind == SPAN_HOT && s->next->prev == s, "ring of ages is broken", s->base);
        insist(s->next == &heap.age || s->unused_since <= s->next->unused_since,
               "ring of ages is out of order", s->base);
        hot++;
    }
    size_t hot_in_bins = check_set(&heap.hot, SPAN_HOT);
    insist(hot == hot_in_bins, "a hot span is not in the ring of ages", hot);
    unlock(&heap.lock);
    return spans;
}

#endif
