/* window.h: placement: which pages of which extent an allocation gets.
 *
 * Lock: the page heap's, held by the caller and never dropped. Called by pageheap.c.
 */
#ifndef CMEM_WINDOW_H
#define CMEM_WINDOW_H

#include "base.h"
#include "span.h"

#include <stdbool.h>

/* Where an allocation may go: `skip` pages into the free span s, with so many hot pages among those
 * it takes. */
struct cmem__window {
    struct cmem__span *s;
    size_t skip;
    size_t hot;
    size_t cost;
};

/* Finds room for npages: sets *best to the cheapest of the windows in the shortest extent, in the
 * shortest hot run that is long enough, and around the longest of those that are not. False where
 * there is none. */
bool cmem__window_find(struct cmem__window *best, size_t npages);

/* Makes a window that is long enough into one of npages at a multiple of align_pages. */
void cmem__window_align(struct cmem__window *w, size_t align_pages, size_t npages);

#endif /* CMEM_WINDOW_H */
