//go:build linux && (amd64 || arm64 || riscv64)

/* placement.c: which pages of which extent an allocation gets. A placement costs two for each page
 * that is to be faulted in, and one for each page of the extent that is left over; of the latter no
 * more count than the request has. cmem__placement_find looks at a few and takes the cheapest.
 */
#include "base.h"
#include "bins.h"
#include "extent.h"
#include "heap.h"
#include "placement.h"
#include "span.h"

/* Placements are passed by address: to copy one that was just written, field by field, would wait
 * for each store (20 ns an allocation). */

/* Sets *p to the npages that begin `at` pages behind the start of s, or before it where `at` is
 * negative. */
static void place(struct cmem__placement *p, struct cmem__span *s, ptrdiff_t at, size_t npages) {
    for (; at < 0; at += (ptrdiff_t)s->npages) s = before(s);
    for (; at >= (ptrdiff_t)s->npages; s = after(s)) at -= (ptrdiff_t)s->npages;
    p->s = s;
    p->skip = (size_t)at;
    p->resident = 0;
    size_t end = p->skip + npages, from = p->skip;
    for (;; s = after(s)) {
        size_t to = end < s->npages ? end : s->npages;
        if (s->kind == SPAN_RESIDENT) p->resident += to - from;
        if (end <= s->npages) return;
        end -= s->npages;
        from = 0;
    }
}

/* As place, with the cost; `first` is the extent's first span. A page left over counts half as much
 * as a fault, as a shorter extent serves fewer requests. No more pages than the request has are
 * counted, so that no fault is taken to leave a large extent whole. (Simulated and measured with
 * the loads of docs/footprint.md: to count only faults takes a third more address space and time;
 * to count only pages left over costs a quarter more time; without the bound a heap of few large
 * blocks of all sizes faults ten times as often while half of it lies free.) */
static void placement_at(struct cmem__placement *p, const struct cmem__span *first, struct cmem__span *s,
                         ptrdiff_t at, size_t npages) {
    place(p, s, at, npages);
    size_t rest = first->extent_pages - npages;
    p->cost = 2 * (npages - p->resident) + (rest < npages ? rest : npages);
}

/* Makes *best the placement at the same place, if that is cheaper. */
static void try_placement(struct cmem__placement *best, const struct cmem__span *first, struct cmem__span *s,
                          ptrdiff_t at, size_t npages) {
    struct cmem__placement p;
    placement_at(&p, first, s, at, npages);
    if (p.cost < best->cost) *best = p;
}

/* Sets *p to the cheaper of the placements at the two ends of the extent. */
static void at_ends(struct cmem__placement *p, struct cmem__span *first, size_t npages) {
    placement_at(p, first, first, 0, npages);
    if (first->extent_pages == npages) return;
    struct cmem__span *last = extent_last(first);
    try_placement(p, first, last, (ptrdiff_t)last->npages - (ptrdiff_t)npages, npages);
}

/* Makes *best a placement that begins or ends with the resident span s, as near to that as the
 * extent's bounds allow, if one is cheaper. */
static void try_around(struct cmem__placement *best, const struct cmem__span *first, struct cmem__span *s,
                       size_t npages) {
    ptrdiff_t n = (ptrdiff_t)npages, low = (ptrdiff_t)((s->base - first->base) >> PAGE_SHIFT);
    ptrdiff_t a = (ptrdiff_t)first->extent_pages - low - n, b = (ptrdiff_t)s->npages - n;
    if (a > 0) a = 0;
    if (b < -low) b = -low;
    try_placement(best, first, s, a, npages);
    if (a != b) try_placement(best, first, s, b, npages);
}

/* How many resident spans are looked at. */
#define PLACEMENT_TRIES 8

bool cmem__placement_find(struct cmem__placement *best, size_t npages) {
    struct cmem__span *spans[PLACEMENT_TRIES], *first = cmem__bins_best_fit(&cmem__heap.extents, npages);
    if (first == NULL) return false;
    at_ends(best, first, npages);
    if (best->resident == npages) return true;
    size_t n = 0;
    if ((spans[0] = cmem__bins_best_fit(&cmem__heap.resident, npages)) != NULL) n = 1;
    n += cmem__bins_longest_below(&cmem__heap.resident, npages, spans + n, PLACEMENT_TRIES - n);
    for (size_t i = 0; i < n; i++) {
        first = extent_first(spans[i]);
        if (first->extent_pages >= npages) try_around(best, first, spans[i], npages);
    }
    return true;
}

void cmem__placement_align(struct cmem__placement *p, size_t align_pages, size_t npages) {
    size_t mask = (align_pages << PAGE_SHIFT) - 1;
    uintptr_t base = p->s->base + (p->skip << PAGE_SHIFT);
    place(p, p->s, (ptrdiff_t)(p->skip + ((((base + mask) & ~mask) - base) >> PAGE_SHIFT)), npages);
}
