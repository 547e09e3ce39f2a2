/* placement.h: which pages of which extent an allocation gets.
 *
 * Lock: the page heap's, held by the caller and never dropped. Called by pageheap.c.
 */
#ifndef CMEM_PLACEMENT_H
#define CMEM_PLACEMENT_H

#include "base.h"
#include "span.h"

#include <stdbool.h>

/* A place for an allocation: the pages from `skip` pages into the free span s on. They may reach
 * into the free spans that follow, in the same extent. */
struct cmem__placement {
    struct cmem__span *s;
    size_t skip;
    size_t resident; /* how many of its pages are */
    size_t cost;     /* see placement.c; cmem__placement_align leaves it as it was */
};

/* Sets *best to the cheapest placement for npages of those looked at: at both ends of the shortest
 * extent that fits, and around the shortest resident span that fits and the longest ones that do
 * not. False where no extent fits. */
bool cmem__placement_find(struct cmem__placement *best, size_t npages);

/* Moves the beginning of *p up to a multiple of align_pages and makes it npages long. The caller
 * has found it for npages + align_pages - 1. */
void cmem__placement_align(struct cmem__placement *p, size_t align_pages, size_t npages);

#endif /* CMEM_PLACEMENT_H */
