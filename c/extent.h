/* extent.h: free spans, and the extents they form: pages are carved from them and put back, spans
 * are split and coalesced.
 *
 * Lock: the page heap's, held by the caller and never dropped. Called by the other files of the
 * page heap.
 */
#ifndef CMEM_EXTENT_H
#define CMEM_EXTENT_H

#include "base.h"
#include "pagemap.h"
#include "span.h"

#include <stdbool.h>

/* The ring that the free span s belongs to: every span in a ring qualifies for that ring's reader,
 * so scans never skip. NULL for none. */
struct cmem__span *cmem__ring_of(const struct cmem__span *s);

/* Adds the free span s to what is known of its kind. It stands behind `older` in the ring of ages,
 * if it belongs there; at the end of its ring where that is NULL. */
void cmem__run_insert(struct cmem__span *s, struct cmem__span *older);
void cmem__run_remove(struct cmem__span *s);

/* Removes the extent that begins with `first` from its bin. Returns its length. */
size_t cmem__extent_remove(struct cmem__span *first);

/* Splits s after npages. Returns the second part as a span of its own, of the same kind and age, in
 * no set. Needs a spare descriptor. */
struct cmem__span *cmem__span_split(struct cmem__span *s, size_t npages);

/* Frees s, which is in no extent: makes it a free span of that kind and coalesces it with its free
 * neighbours, all of them into one extent, those of its kind into one span. Returns that span. (A
 * region that is all free and has refused a release becomes one hot span, so that it goes back to
 * malloc as a whole.) `released` tells of a cold span whether its pages were given back; else they
 * were never touched. */
struct cmem__span *cmem__extent_put_free(struct cmem__span *s, enum cmem__kind kind, bool released);
static inline struct cmem__span *extent_put(struct cmem__span *s, enum cmem__kind kind) {
    return cmem__extent_put_free(s, kind, kind == SPAN_COLD);
}

/* Carves npages from the extent of the free span s, from `skip` pages into s on, and puts what is
 * left of it back. Returns them as one span in no set: SPAN_COLD where all of it was cold, else
 * SPAN_BUSY. Needs two spare descriptors. */
struct cmem__span *cmem__extent_carve(struct cmem__span *s, size_t skip, size_t npages);

/* Descriptors, from and to the spare ones. */
struct cmem__span *cmem__spare_take(void);
void cmem__spare_put(struct cmem__span *s);

/* The first span of the extent that holds the free span s. */
static inline struct cmem__span *extent_first(struct cmem__span *s) {
    return s->extent_pages > 0 ? s : pagemap_span(cmem__pagemap_marked_before(s->base));
}

static inline struct cmem__span *extent_last(const struct cmem__span *first) {
    return pagemap_span(first->base + (first->extent_pages - 1) * PAGE_SIZE);
}

#endif /* CMEM_EXTENT_H */
