/* bins.h: spans by length: a bin for each length below 16 pages, then 8 bins a doubling, as the
 * size classes are; the class sizes are bin bounds. In each bin a tree by address.
 *
 * Lock: the page heap's. Called by the page heap alone, which has two sets of bins: for its
 * resident spans and for its extents.
 */
#ifndef CMEM_BINS_H
#define CMEM_BINS_H

#include "base.h"
#include "span.h"

#define NUM_BINS 320

struct cmem__bins {
    enum cmem__tree kind;
    uint64_t bitmap[NUM_BINS / 64]; /* bins that are not empty */
    struct cmem__span *bin[NUM_BINS];
};

void cmem__bins_insert(struct cmem__bins *f, struct cmem__span *s);
void cmem__bins_remove(struct cmem__bins *f, struct cmem__span *s);

/* The lowest span of the first bin that has one of npages or more; NULL where there is none. */
struct cmem__span *cmem__bins_best_fit(const struct cmem__bins *f, size_t npages);

/* Sets out to the longest spans shorter than npages, n at most, by falling bin; those in the bin of
 * npages itself may be as long. Returns how many. */
size_t cmem__bins_longest_below(const struct cmem__bins *f, size_t npages, struct cmem__span **out, size_t n);

#if CMEM_DEBUG
size_t cmem__bins_check(const struct cmem__bins *f);
#endif

#endif /* CMEM_BINS_H */
