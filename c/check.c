//go:build linux && (amd64 || arm64 || riscv64)

/* check.c: the debug build's walk over every structure. */
#include "base.h"
#include "bins.h"
#include "cache.h"
#include "central.h"
#include "check.h"
#include "extent.h"
#include "heap.h"
#include "lock.h"
#include "pageheap.h"
#include "pagemap.h"
#include "panic.h"
#include "span.h"

#if CMEM_DEBUG

/* One span of a region, at address a. */
static void check_span(const struct cmem__region *r, const struct cmem__span *s, uintptr_t a) {
    insist(s != NULL, "hole in a region", a);
    insist(s->base == a && s->region == r && s->npages > 0, "span is not where the pagemap says", a);
    insist(pagemap_span(last_page(s)) == s, "span's last page is not mapped to it", a);
    insist(s->kind != SPAN_UNUSED && s->kind <= SPAN_EXACT, "span of no kind", a);
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
    if (s->kind == SPAN_RELEASED) insist(r->releases, "released span where pages cannot be given back", a);
    if (is_free(s) || s->kind == SPAN_BUSY) insist(t == TAG_NONE, "tag on a free span", a);
}

/* The extent that begins with s, which follows a span in use or begins its region. Returns the
 * number of its spans. */
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
        insist(cmem__ring_of(s) == ring, "free span in the wrong ring", s->base);
        insist(ring == &cmem__heap.shorts || ring == &cmem__heap.released || s->next == ring ||
                   s->unused_since <= s->next->unused_since,
               "ring of ages is out of order", s->base);
        n++;
    }
    return n;
}

/* Walks the page heap under its lock. */
size_t cmem__pages_check(void) {
    lock(&cmem__heap.lock);
    size_t spans = 0, extents = 0, resident = 0, in_rings = 0, sys = 0, inuse = 0, released = 0;
    for (struct cmem__region *r = cmem__heap.regions; r != NULL; r = r->next) {
        size_t free_pages = 0, in_extent = 0;
        for (uintptr_t a = r->base; a < r->base + r->npages * PAGE_SIZE; spans++) {
            struct cmem__span *s = pagemap_span(a);
            check_span(r, s, a);
            if (is_free(s) && in_extent == 0) {
                in_extent = check_extent(s);
                extents++;
            }
            if (in_extent > 0) in_extent--;
            if (is_free(s) && cmem__ring_of(s) != NULL) in_rings++;
            if (s->kind == SPAN_RESIDENT) resident++;
            if (s->kind == SPAN_RELEASED) released += s->npages;
            if (is_free(s) || s->kind == SPAN_BUSY)
                free_pages += s->npages;
            else
                inuse += s->npages;
            a = span_end(s);
        }
        insist(free_pages == r->free_pages, "region's count of free pages is wrong", r->base);
        sys += r->npages;
    }
    insist(sys == cmem__heap.sys_pages, "count of pages is wrong", sys);
    insist(inuse == cmem__heap.inuse_pages, "count of pages in use is wrong", inuse);
    insist(released == cmem__heap.released_pages, "count of released pages is wrong", released);
    insist(cmem__bins_check(&cmem__heap.resident) == resident, "resident spans are not those in the bins",
           resident);
    insist(cmem__bins_check(&cmem__heap.extents) == extents, "extents are not those in the bins", extents);
    insist(check_ring(&cmem__heap.age) + check_ring(&cmem__heap.shorts) + check_ring(&cmem__heap.empty) +
                   check_ring(&cmem__heap.unreleasable) + check_ring(&cmem__heap.released) ==
               in_rings,
           "free spans are not those in the rings", in_rings);
    unlock(&cmem__heap.lock);
    return spans;
}

size_t cmem__check(bool quiescent) {
    size_t spans = cmem__pages_check();
    cmem__central_check();
    if (quiescent) cmem__cache_check();
    return spans;
}

#endif
