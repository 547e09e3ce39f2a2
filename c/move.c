//go:build linux && (amd64 || arm64 || riscv64)

/* move.c: moves of resident pages. The released pages of an allocation would be faulted in one by
 * one, while resident ones lie free elsewhere. The kernel can move those there: it changes page
 * tables and copies nothing. Where it cannot (before Linux 5.7, under valgrind), or has refused
 * once, pages are faulted in.
 */
#include "base.h"
#include "bins.h"
#include "extent.h"
#include "heap.h"
#include "lock.h"
#include "move.h"
#include "os.h"
#include "placement.h"
#include "span.h"

static uintptr_t move_up(uintptr_t a) {
    return (a + MOVE_PAGES * PAGE_SIZE - 1) & ~(MOVE_PAGES * PAGE_SIZE - 1);
}
static uintptr_t move_down(uintptr_t a) { return a & ~(MOVE_PAGES * PAGE_SIZE - 1); }

size_t cmem__move_gaps(const struct cmem__placement *p, size_t npages, struct cmem__piece *out) {
    size_t n = 0;
    if (cmem__heap.no_moves || !p->s->region->movable) return 0;
    uintptr_t at = p->s->base + (p->skip << PAGE_SHIFT), end = at + (npages << PAGE_SHIFT);
    for (struct cmem__span *s = p->s; n < MOVES_MAX && at < end; at = span_end(s), s = after(s)) {
        uintptr_t lo = move_up(at), hi = move_down(span_end(s) < end ? span_end(s) : end);
        if (s->kind == SPAN_RELEASED && lo < hi)
            out[n++] = (struct cmem__piece){.to = lo, .npages = (hi - lo) >> PAGE_SHIFT};
    }
    return n;
}

/* Carves a piece of up to npages from a resident span: the shortest that is long enough, or else
 * the longest. NULL where that has no piece that may be moved. */
static struct cmem__span *carve_piece(size_t npages) {
    struct cmem__span *s = cmem__bins_best_fit(&cmem__heap.resident, npages);
    if (s == NULL && cmem__bins_longest_below(&cmem__heap.resident, npages, &s, 1) == 0) return NULL;
    uintptr_t lo = move_up(s->base), hi = move_down(span_end(s));
    if (lo >= hi || !s->region->movable) return NULL;
    size_t whole = (hi - lo) >> PAGE_SHIFT;
    return cmem__extent_carve(s, (lo - s->base) >> PAGE_SHIFT, whole < npages ? whole : npages);
}

size_t cmem__move_carve(struct cmem__piece *gap, size_t gaps, struct cmem__piece *out) {
    size_t n = 0;
    for (size_t i = 0; i < gaps && n < MOVES_MAX;) {
        struct cmem__span *s = carve_piece(gap[i].npages);
        if (s == NULL) break;
        out[n++] = (struct cmem__piece){.to = gap[i].to, .npages = s->npages, .from = s};
        gap[i].to += s->npages << PAGE_SHIFT;
        gap[i].npages -= s->npages;
        if (gap[i].npages == 0) i++;
    }
    return n;
}

bool cmem__move_pieces(struct cmem__span *s, struct cmem__piece *p, size_t n) {
    enum cmem__moved result[MOVES_MAX];
    unlock(&cmem__heap.lock);
    for (size_t i = 0; i < n; i++)
        result[i] = cmem__os_move(p[i].from->base, p[i].to, p[i].npages << PAGE_SHIFT);
    lock(&cmem__heap.lock);
    bool whole = true;
    for (size_t i = 0; i < n; i++) {
        (void)extent_put(p[i].from, result[i] == MOVED ? SPAN_RELEASED : SPAN_RESIDENT);
        if (result[i] == MOVED)
            cmem__heap.moved_bytes += p[i].npages << PAGE_SHIFT;
        else
            cmem__heap.no_moves = true;
        if (result[i] == MOVE_LOST) whole = false;
    }
    if (!whole) s->region->permanent = true; /* what malloc's free did to the hole, nobody knows */
    return whole;
}
