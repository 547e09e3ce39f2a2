/* extent.h: free spans, and the extents they form: which are taken, put back, cut and coalesced.
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

/* Takes the extent that begins with `first` out of the bins. Returns its length. */
size_t cmem__extent_remove(struct cmem__span *first);

/* Cuts s after npages and returns the rest as a span of its own, of the same kind and age, in no
 * set. Needs a spare descriptor. */
struct cmem__span *cmem__span_cut(struct cmem__span *s, size_t npages);

/* Makes s, in no extent, a free span of that kind from now on, in one extent with its free
 * neighbours and one span with those of its kind; a region that is free, but may not be given back
 * page by page, becomes one hot span, so that it goes back as a whole. Returns that span. Its pages
 * were given back where it is cold and `released` says so. */
struct cmem__span *cmem__extent_put_free(struct cmem__span *s, enum cmem__kind kind, bool released);
static inline struct cmem__span *extent_put(struct cmem__span *s, enum cmem__kind kind) {
    return cmem__extent_put_free(s, kind, kind == SPAN_COLD);
}

/* Takes npages out of the extent of the free span s, from `skip` pages into s on. Returns them as
 * one span that is not free: SPAN_COLD where all of it was cold, else SPAN_BUSY. Needs two spare
 * descriptors. */
struct cmem__span *cmem__extent_take(struct cmem__span *s, size_t skip, size_t npages);

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
