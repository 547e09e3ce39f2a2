//go:build linux && (amd64 || arm64 || riscv64)

/* extent.c: free spans: which sets they stand in, how they are split and coalesced. A maximal run
 * of free spans, of either kind, is an extent. Its first page is marked in the pagemap, so that
 * each of its spans finds where it begins.
 */
#include "base.h"
#include "bins.h"
#include "extent.h"
#include "heap.h"
#include "os.h"
#include "pagemap.h"
#include "panic.h"
#include "span.h"

struct cmem__span *cmem__ring_of(const struct cmem__span *s) {
    bool whole = s->npages == s->region->npages && !s->region->permanent;
    if (s->kind == SPAN_RELEASED) return whole ? &cmem__heap.empty : s->touched ? &cmem__heap.released : NULL;
    if (whole && (!s->region->releases || s->region->refused)) return &cmem__heap.unreleasable;
    if (!s->region->releases) return NULL;
    uintptr_t end, at = whole_pages(s, &end);
    if (end - at >= SCAVENGE_MIN_PAGES << PAGE_SHIFT) return &cmem__heap.age;
    return end > at ? &cmem__heap.shorts : NULL;
}

static void ring_insert(struct cmem__span *s, struct cmem__span *prev) {
    s->prev = prev;
    s->next = prev->next;
    s->prev->next = s->next->prev = s;
}

void cmem__span_insert(struct cmem__span *s, struct cmem__span *older) {
    struct cmem__span *ring = cmem__ring_of(s);
    if (s->kind == SPAN_RELEASED)
        cmem__heap.released_pages += s->npages;
    else
        cmem__bins_insert(&cmem__heap.resident, s);
    if (ring != NULL) ring_insert(s, ring == &cmem__heap.age && older != NULL ? older : ring->prev);
}

void cmem__span_remove(struct cmem__span *s) {
    if (s->kind == SPAN_RELEASED)
        cmem__heap.released_pages -= s->npages;
    else
        cmem__bins_remove(&cmem__heap.resident, s);
    if (s->prev == NULL) return;
    s->prev->next = s->next;
    s->next->prev = s->prev;
    s->prev = s->next = NULL;
}

static void extent_insert(struct cmem__span *first, size_t npages) {
    first->extent_pages = npages;
    cmem__bins_insert(&cmem__heap.extents, first);
}

size_t cmem__extent_remove(struct cmem__span *first) {
    size_t npages = first->extent_pages;
    cmem__bins_remove(&cmem__heap.extents, first);
    first->extent_pages = 0;
    return npages;
}

struct cmem__span *cmem__spare_take(void) {
    struct cmem__span *s = cmem__heap.spare;
    insist(s != NULL, "no spare span descriptor", 0);
    cmem__heap.spare = s->next;
    cmem__heap.spares--;
    s->next = NULL;
    return s;
}

void cmem__spare_put(struct cmem__span *s) {
    s->kind = SPAN_UNUSED;
    s->next = cmem__heap.spare;
    cmem__heap.spare = s;
    cmem__heap.spares++;
}

struct cmem__span *cmem__span_split(struct cmem__span *s, size_t npages) {
    struct cmem__span *t = cmem__spare_take();
    t->base = s->base + npages * PAGE_SIZE;
    t->npages = s->npages - npages;
    t->kind = s->kind;
    t->region = s->region;
    t->touched = s->touched;
    t->unused_since = s->unused_since;
    s->npages = npages;
    map_bounds(s);
    map_bounds(t);
    return t;
}

/* Appends t, which follows s and is in no set, to s. */
static void coalesce(struct cmem__span *s, struct cmem__span *t) {
    pagemap_set(last_page(s), NULL);
    pagemap_set(t->base, NULL);
    s->npages += t->npages;
    s->touched |= t->touched;
    if (t->unused_since > s->unused_since) s->unused_since = t->unused_since;
    cmem__spare_put(t);
    map_bounds(s);
}

/* Whether t, a neighbour of s, is to be coalesced with it: a free span of its kind, or of any kind
 * where `all` is set. */
static bool coalesces(const struct cmem__span *s, const struct cmem__span *t, bool all) {
    return is_free(t) && (all || t->kind == s->kind);
}

struct cmem__span *cmem__extent_put_free(struct cmem__span *s, enum cmem__kind kind, bool touched) {
    struct cmem__span *l = before(s), *r = after(s), *first = s;
    size_t npages = s->npages;
    bool all = kind == SPAN_RESIDENT && s->region->refused && s->region->free_pages == s->region->npages;
    s->kind = (uint8_t)kind;
    s->touched = touched;
    s->unused_since = cmem__now();
    if (l == NULL || !is_free(l)) cmem__pagemap_mark(s->base);
    if (r != NULL && is_free(r)) {
        npages += cmem__extent_remove(r);
        cmem__pagemap_unmark(r->base);
        for (; r != NULL && coalesces(s, r, all); r = after(s)) {
            cmem__span_remove(r);
            coalesce(s, r);
        }
    }
    if (l != NULL && is_free(l)) {
        first = extent_first(l);
        npages += cmem__extent_remove(first);
        for (; l != NULL && coalesces(s, l, all); l = before(s)) {
            cmem__span_remove(l);
            l->kind = s->kind;
            coalesce(l, s);
            s = l;
        }
    }
    cmem__span_insert(s, NULL);
    extent_insert(first, npages);
    return s;
}

struct cmem__span *cmem__extent_carve(struct cmem__span *s, size_t skip, size_t npages) {
    struct cmem__span *first = extent_first(s), *older = s->prev;
    uintptr_t end = first->base + (cmem__extent_remove(first) << PAGE_SHIFT);
    bool released = s->kind == SPAN_RELEASED;
    if (unlikely(s->region->refused) &&
        cmem__ring_of(s) == &cmem__heap.unreleasable) { /* what is left of it is not */
        older = cmem__heap.age.prev;
        s->unused_since = cmem__now();
    }
    cmem__span_remove(s);
    if (skip > 0) {
        struct cmem__span *head = s;
        s = cmem__span_split(s, skip);
        cmem__span_insert(head, older);
    }
    while (s->npages < npages) {
        struct cmem__span *t = after(s);
        older = t->prev;
        released &= t->kind == SPAN_RELEASED;
        cmem__span_remove(t);
        if (s->npages + t->npages > npages) cmem__span_insert(cmem__span_split(t, npages - s->npages), older);
        coalesce(s, t);
    }
    if (s->npages > npages) cmem__span_insert(cmem__span_split(s, npages), older);
    if (span_end(s) < end) {
        extent_insert(after(s), (end - span_end(s)) >> PAGE_SHIFT);
        cmem__pagemap_mark(span_end(s));
    }
    if (first->base < s->base)
        extent_insert(first, (s->base - first->base) >> PAGE_SHIFT);
    else
        cmem__pagemap_unmark(s->base);
    if (!released) s->kind = SPAN_BUSY;
    return s;
}
