/* tree.h: address-ordered trees of spans.
 *
 * Lock: that of whoever has the tree. Called by the bins and by the central lists.
 */
#ifndef CMEM_TREE_H
#define CMEM_TREE_H

#include "base.h"
#include "span.h"

/* insert and remove return the new root. min is the lowest span; first_fit the lowest of at least
 * npages, NULL after *tries spans. */
struct cmem__span *cmem__tree_insert(struct cmem__span *root, struct cmem__span *s, enum cmem__tree k);
struct cmem__span *cmem__tree_remove(struct cmem__span *root, struct cmem__span *s, enum cmem__tree k);
struct cmem__span *cmem__tree_min(struct cmem__span *root, enum cmem__tree k);
struct cmem__span *cmem__tree_first_fit(struct cmem__span *root, size_t npages, enum cmem__tree k,
                                        unsigned *tries);

/* The length by which a span stands in trees of kind k. */
static inline size_t tree_pages(const struct cmem__span *s, enum cmem__tree k) {
    return k == TREE_EXTENTS ? s->extent_pages : s->npages;
}

#endif /* CMEM_TREE_H */
