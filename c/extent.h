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

/* Inserts the free span s into the sets of its kind: its bin and its ring. In the ring of ages it
 * stands behind `older`; at the end where that is NULL, as in all other rings. */
void cmem__span_insert(struct cmem__span *s, struct cmem__span *older);
void cmem__span_remove(struct cmem__span *s);

/* Removes the extent that begins with `first` from its bin. Returns its length. */
size_t cmem__extent_remove(struct cmem__span *first);

/* Splits s after npages. Returns the second part as a span of its own, of the same kind and age, in
 * no set. Needs a spare descriptor. */
struct cmem__span *cmem__span_split(struct cmem__span *s, size_t npages);

/* Frees s, which is in no extent: makes it a free span of that kind and coalesces it with its free
 * neighbours, all of them into one extent, those of its kind into one span. Returns that span. (A
 * region that is all free and has refused a release becomes one resident span, so that it goes back
 * to malloc as a whole.) `touched` is for a released span: false where none of its pages was ever
 * used. */
struct cmem__span *cmem__extent_put_free(struct cmem__span *s, enum cmem__kind kind, bool touched);
static inline struct cmem__span *extent_put(struct cmem__span *s, enum cmem__kind kind) {
    return cmem__extent_put_free(s, kind, kind == SPAN_RELEASED);
}

/* Carves npages from the extent of the free span s, from `skip` pages into s on, and puts what is
 * left of it back. Returns them as one span in no set: SPAN_RELEASED where all of it was released,
 * else SPAN_BUSY. Needs two spare descriptors. */
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
