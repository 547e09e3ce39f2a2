//go:build linux && (amd64 || arm64 || riscv64)

/* release.c: gives memory back: pages to the operating system, by age, as the pacer says or for the
 * limit; and regions to malloc. */
#include "base.h"
#include "extent.h"
#include "heap.h"
#include "lock.h"
#include "os.h"
#include "pagemap.h"
#include "region.h"
#include "release.h"
#include "span.h"

/* ------------------------------------------------------------------------------- pages, regions */

/* Carves the whole physical pages of s, which is in one of the rings of resident spans; the upper
 * max_pages where there are more. Then at least `leave` pages are carved and at least `leave` left;
 * NULL where that cannot be. */
static struct cmem__span *carve_whole_pages(struct cmem__span *s, size_t max_pages, size_t leave) {
    uintptr_t mask = cmem__heap.page - 1, hi, lo = whole_pages(s, &hi);
    if ((hi - lo) >> PAGE_SHIFT > max_pages) {
        lo = (hi - (max_pages << PAGE_SHIFT)) & ~mask;
        uintptr_t least = s->base + (leave << PAGE_SHIFT);
        if (lo < least) lo = (least + mask) & ~mask;
        if (hi <= lo || (hi - lo) >> PAGE_SHIFT < leave) return NULL;
    }
    return cmem__extent_carve(s, (lo - s->base) >> PAGE_SHIFT, (hi - lo) >> PAGE_SHIFT);
}

/* How many of the oldest resident spans are looked at. All are passed over only where each is
 * longer than max_pages and shorter than twice SCAVENGE_MIN_PAGES: so what stays until the next
 * call is little. */
#define SCAVENGE_TRIES 16

/* Carves the next resident span to release, or its upper max_pages: the oldest one, where it has
 * been idle since before `until`, unless the remainder would be too short ever to be released; and
 * where `shorts` are wanted, a short one. NULL where there is none. */
static struct cmem__span *scavenge_next(uint64_t until, bool shorts, size_t max_pages) {
    struct cmem__span *t = NULL, *s = cmem__heap.age.next;
    size_t leave = shorts ? 0 : SCAVENGE_MIN_PAGES;
    for (unsigned i = 0; i < SCAVENGE_TRIES && s != &cmem__heap.age && s->unused_since <= until;
         i++, s = s->next)
        if ((t = carve_whole_pages(s, max_pages, leave)) != NULL) return t;
    s = cmem__heap.shorts.next;
    return shorts && s != &cmem__heap.shorts ? carve_whole_pages(s, max_pages, 0) : NULL;
}

/* How many pages are released in one call: the kernel takes 0.3 us for each, and others may wait
 * for it. */
#define RELEASE_PAGES ((size_t)1024)

/* After so many refusals in a row release_spans ends. If it was refused all, it is not tried again
 * for REFUSED_NS: all memory is locked, or a sandbox forbids the call. */
#define REFUSALS_MOST 16
#define REFUSED_NS ((uint64_t)1000000000)

/* Releases the busy span s, and frees it as what it is then. Drops the lock meanwhile. False where
 * the kernel refuses: s is resident then. */
static bool release(struct cmem__span *s) {
    struct cmem__region *r = s->region;
    unlock(&cmem__heap.lock);
    bool released = cmem__os_release(s->base, s->npages << PAGE_SHIFT);
    lock(&cmem__heap.lock);
    r->refused = !released;
    if (!released) cmem__heap.no_moves = true;
    (void)extent_put(s, released ? SPAN_RELEASED : SPAN_RESIDENT);
    return released;
}

/* Releases resident spans that have been idle since before `until`, oldest first, and short ones
 * where `shorts` are wanted, until no more than `keep` free pages are resident. Drops the lock
 * around each call. Returns the bytes. */
static size_t release_spans(uint64_t until, bool shorts, size_t keep) {
    size_t bytes = 0, least = shorts ? 1 : SCAVENGE_MIN_PAGES;
    unsigned refusals = 0;
    if (unlikely(cmem__heap.refused_at != 0) && cmem__now() - cmem__heap.refused_at < REFUSED_NS) return 0;
    while (refusals < REFUSALS_MOST && reserve_spares(2) && free_resident_pages() >= keep + least) {
        size_t most = free_resident_pages() - keep;
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
    cmem__heap.refused_at = refusals > 0 && bytes == 0 ? cmem__now() : 0;
    if (bytes > 0) {
        cmem__heap.scavenges++;
        cmem__heap.scavenged_bytes += bytes;
    }
    return bytes;
}

/* Removes from the heap the region that has stood in that ring of free ones for longest; NULL where
 * none has been free since before `until`. */
static struct cmem__region *remove_free_region(struct cmem__span *ring, uint64_t until) {
    struct cmem__span *s = ring->next;
    if (s == ring || s->unused_since > until) return NULL;
    struct cmem__region *r = s->region;
    cmem__region_remove(r, s);
    return r;
}

/* Gives regions in that ring back to malloc that have been free since before `until`, as long as
 * `keep` free pages or more are resident. Drops the lock meanwhile. Returns the bytes. */
static size_t free_regions(struct cmem__span *ring, uint64_t until, size_t keep) {
    size_t bytes = 0;
    struct cmem__region *r;
    while (free_resident_pages() >= keep && (r = remove_free_region(ring, until)) != NULL) {
        bytes += r->npages << PAGE_SHIFT;
        unlock(&cmem__heap.lock);
        cmem__region_delete(r);
        lock(&cmem__heap.lock);
    }
    return bytes;
}

/* ---------------------------------------------------------------------------------------- limit */

void cmem__obey_limit(void) {
    size_t keep =
        cmem__heap.limit_pages > cmem__heap.inuse_pages ? cmem__heap.limit_pages - cmem__heap.inuse_pages : 0;
    (void)release_spans(UINT64_MAX, true, keep);
    (void)free_regions(&cmem__heap.unreleasable, UINT64_MAX, keep + 1);
}

size_t cmem__pages_limit(size_t bytes) {
    lock(&cmem__heap.lock);
    cmem__heap.limit_pages = bytes == SIZE_MAX ? SIZE_MAX : bytes >> PAGE_SHIFT;
    size_t inuse = cmem__heap.inuse_pages;
    if (bytes != SIZE_MAX) cmem__obey_limit();
    unlock(&cmem__heap.lock);
    return inuse << PAGE_SHIFT;
}

/* ------------------------------------------------------------------------------------ huge pages
 *
 * Transparent huge pages make released memory resident again: the kernel fills 2 MiB at once, on a
 * fault or in the background, where as little as one page of them is resident. So some released
 * spans are looked at now and then. Where pages of one are resident, its region gets no huge pages
 * from then on. Elsewhere they are welcome: memory that is not released is faster with them. */

/* How often, and how many of them. */
#define LOOK_NS ((uint64_t)1000000000)
#define LOOKS 4

/* Whether pages are resident where the released span s begins or ends, as far as a huge page
 * reaches into it. Drops the lock meanwhile: afterwards the pages may be somebody else's. */
static bool is_refilled(const struct cmem__span *s) {
    uintptr_t end, at = whole_pages(s, &end);
    size_t bytes = end - at, most = LOOK_PAGES << PAGE_SHIFT;
    if (bytes == 0) return false;
    unlock(&cmem__heap.lock);
    bool resident = cmem__os_any_resident(at, bytes < most ? bytes : most);
    if (!resident && bytes > most) resident = cmem__os_any_resident(end - most, most);
    lock(&cmem__heap.lock);
    return resident;
}

/* Forbids huge pages in the region of the released span s, and counts what was released there as
 * resident. Drops the lock meanwhile. Needs two spare descriptors. */
static void mend_refilled(struct cmem__span *s) {
    struct cmem__region *r = s->region;
    s = cmem__extent_carve(s, 0, s->npages); /* so that the region stays */
    s->kind = SPAN_BUSY;
    unlock(&cmem__heap.lock);
    cmem__os_small_pages(r->base, r->npages << PAGE_SHIFT);
    lock(&cmem__heap.lock);
    (void)extent_put(s, SPAN_RESIDENT);
    for (s = pagemap_span(r->base); s != NULL; s = after(s)) {
        if (s->kind != SPAN_RELEASED || !s->touched) continue;
        s = cmem__extent_carve(s, 0, s->npages);
        s = extent_put(s, SPAN_RESIDENT);
    }
}

/* Looks at some released spans, in turn, once a second. */
static void look_for_refilled(void) {
    uint64_t now = cmem__now();
    if (now - cmem__heap.looked_at < LOOK_NS) return;
    cmem__heap.looked_at = now;
    for (unsigned i = 0; i < LOOKS && reserve_spares(2) && cmem__heap.released.next != &cmem__heap.released;
         i++) {
        struct cmem__span *s = cmem__heap.released.next;
        uintptr_t base = s->base;
        size_t npages = s->npages;
        cmem__span_remove(s);
        cmem__span_insert(s, NULL);
        if (!is_refilled(s) || !reserve_spares(2)) continue;
        if (s == pagemap_span(base) && s->kind == SPAN_RELEASED && s->base == base && s->npages == npages)
            mend_refilled(s);
    }
}

/* ---------------------------------------------------------------------------- scavenge, release */

size_t cmem__pages_scavenge(uint64_t idle_ns) {
    uint64_t now = cmem__now();
    uint64_t until = now > idle_ns ? now - idle_ns : 0;
    lock(&cmem__heap.lock);
    look_for_refilled();
    if (idle_ns == 0) cmem__heap.refused_at = 0;
    size_t bytes = release_spans(until, idle_ns == 0, 0);
    if (idle_ns == 0) until = UINT64_MAX;
    bytes += free_regions(&cmem__heap.unreleasable, until, 0);
    (void)free_regions(&cmem__heap.empty, until, 0);
    unlock(&cmem__heap.lock);
    return bytes;
}

size_t cmem__pages_release(size_t most, uint64_t idle_ns) {
    uint64_t now = cmem__now(), until = now > idle_ns ? now - idle_ns : 0;
    lock(&cmem__heap.lock);
    look_for_refilled();
    size_t npages = most >> PAGE_SHIFT,
           keep = free_resident_pages() > npages ? free_resident_pages() - npages : 0;
    size_t bytes = npages > 0 ? release_spans(UINT64_MAX, false, keep) : 0;
    bytes += free_regions(&cmem__heap.unreleasable, until, 0);
    (void)free_regions(&cmem__heap.empty, until, 0);
    unlock(&cmem__heap.lock);
    return bytes;
}
