/* region.h: regions: address space from malloc, and back.
 *
 * Lock: the page heap's, held by the caller, but for cmem__region_delete, which is called without.
 * cmem__region_grow drops it meanwhile. Called by pageheap.c, to grow, and by release.c, to shrink.
 */
#ifndef CMEM_REGION_H
#define CMEM_REGION_H

#include "base.h"
#include "span.h"

#include <stdbool.h>

/* Adds a region with room for npages, or waits while another thread adds one, which may do for
 * both. True where the caller is to look again; false with errno ENOMEM. */
bool cmem__region_grow(size_t npages);

/* Removes a region that is all free from the heap; s is its one span. */
void cmem__region_remove(struct cmem__region *r, struct cmem__span *s);

/* Gives a region that is not in the heap back to malloc. Called without the lock. */
void cmem__region_delete(struct cmem__region *r);

#endif /* CMEM_REGION_H */
