//go:build linux && (amd64 || arm64 || riscv64)

/* window.c: placement. An allocation is cut out of one extent, at the cheapest window of those that
 * cmem__window_find looks at: where it needs the fewest page faults and leaves the smallest
 * remainder.
 */
#include "base.h"
#include "bins.h"
#include "extent.h"
#include "heap.h"
#include "span.h"
#include "window.h"

/* Windows are passed by address: a copy of one that was just written, field by field, would wait
 * for each store (20 ns a trip). */

/* Sets *w to the npages from `at` pages behind the beginning of s on, or before it where that is
 * negative. */
static void place(struct cmem__window *w, struct cmem__span *s, ptrdiff_t at, size_t npages) {
    for (; at < 0; at += (ptrdiff_t)s->npages) s = before(s);
    for (; at >= (ptrdiff_t)s->npages; s = after(s)) at -= (ptrdiff_t)s->npages;
    w->s = s;
    w->skip = (size_t)at;
    w->hot = 0;
    size_t end = w->skip + npages, from = w->skip;
    for (;; s = after(s)) {
        size_t to = end < s->npages ? end : s->npages;
        if (s->kind == SPAN_HOT) w->hot += to - from;
        if (end <= s->npages) return;
        end -= s->npages;
        from = 0;
    }
}

/* The window of npages in the extent that begins `at` pages behind the beginning of its span s, or
 * before it where that is negative. A cold page costs a fault, and what is left of the extent will
 * do for less: so two pages of it count as much as a cold one. It counts up to the length of the
 * request: no fault is taken to leave a large extent whole. (Simulated and measured with the loads
 * of docs/footprint.md: to count cold pages alone takes a third more address space and time; to
 * count what is left alone costs a quarter more time; without the bound a heap of few large blocks
 * of all sizes faults ten times as often while half of it lies free.) */
static void window_at(struct cmem__window *w, const struct cmem__span *first, struct cmem__span *s,
                      ptrdiff_t at, size_t npages) {
    place(w, s, at, npages);
    size_t rest = first->extent_pages - npages;
    w->cost = 2 * (npages - w->hot) + (rest < npages ? rest : npages);
}

/* Makes *best the window at the same place, if that is cheaper. */
static void try_window(struct cmem__window *best, const struct cmem__span *first, struct cmem__span *s,
                       ptrdiff_t at, size_t npages) {
    struct cmem__window w;
    window_at(&w, first, s, at, npages);
    if (w.cost < best->cost) *best = w;
}

/* Sets *w to the cheaper of the windows that begin and end the extent. */
static void at_ends(struct cmem__window *w, struct cmem__span *first, size_t npages) {
    window_at(w, first, first, 0, npages);
    if (first->extent_pages == npages) return;
    struct cmem__span *last = extent_last(first);
    try_window(w, first, last, (ptrdiff_t)last->npages - (ptrdiff_t)npages, npages);
}

/* Makes *best the cheapest of the windows that begin or end with the hot run s, as far as the
 * extent allows, or lie inside it, if that is cheaper. */
static void try_around(struct cmem__window *best, const struct cmem__span *first, struct cmem__span *s,
                       size_t npages) {
    ptrdiff_t n = (ptrdiff_t)npages, low = (ptrdiff_t)((s->base - first->base) >> PAGE_SHIFT);
    ptrdiff_t a = (ptrdiff_t)first->extent_pages - low - n, b = (ptrdiff_t)s->npages - n;
    if (a > 0) a = 0;
    if (b < -low) b = -low;
    try_window(best, first, s, a, npages);
    if (a != b) try_window(best, first, s, b, npages);
}

/* How many hot runs are looked at. */
#define WINDOW_TRIES 8

bool cmem__window_find(struct cmem__window *best, size_t npages) {
    struct cmem__span *runs[WINDOW_TRIES], *first = cmem__bins_best_fit(&cmem__heap.extents, npages);
    if (first == NULL) return false;
    at_ends(best, first, npages);
    if (best->hot == npages) return true;
    size_t n = 0;
    if ((runs[0] = cmem__bins_best_fit(&cmem__heap.hot, npages)) != NULL) n = 1;
    n += cmem__bins_longest_below(&cmem__heap.hot, npages, runs + n, WINDOW_TRIES - n);
    for (size_t i = 0; i < n; i++) {
        first = extent_first(runs[i]);
        if (first->extent_pages >= npages) try_around(best, first, runs[i], npages);
    }
    return true;
}

void cmem__window_align(struct cmem__window *w, size_t align_pages, size_t npages) {
    size_t mask = (align_pages << PAGE_SHIFT) - 1;
    uintptr_t base = w->s->base + (w->skip << PAGE_SHIFT);
    place(w, w->s, (ptrdiff_t)(w->skip + ((((base + mask) & ~mask) - base) >> PAGE_SHIFT)), npages);
}
