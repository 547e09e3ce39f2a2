/* pageheap.h: allocates spans, which are runs of pages, and frees them.
 *
 * Lock: one, its own (RANK_PAGEHEAP). Each function takes it, except cmem__pages_find, whose caller
 * holds it, and cmem__pages_set_transfer, which needs none. It is dropped around every system call
 * and every call of malloc. Called by the central lists, for large and exact blocks, by the
 * scavenger, and for statistics and reports.
 */
#ifndef CMEM_PAGEHEAP_H
#define CMEM_PAGEHEAP_H

#include "base.h"
#include "cmem.h"
#include "span.h"

#include <stdbool.h>

/* Allocates a span of npages whose base is a multiple of align_pages pages (a power of two). It is
 * in use, of kind `kind` and class `cls`, and its tags are unset. NULL with errno ENOMEM. */
struct cmem__span *cmem__pages_alloc(size_t npages, size_t align_pages, enum cmem__kind kind, unsigned cls);

/* The same, of pages that are resident already; NULL where no span of such is to be had, with errno
 * as it was. */
struct cmem__span *cmem__pages_alloc_resident(size_t npages, size_t align_pages, enum cmem__kind kind,
                                              unsigned cls);

/* Notes how many bytes of the spans in use lie in transfer lists now. */
void cmem__pages_set_transfer(size_t bytes);

/* Frees a span in use, whose tags are TAG_NONE again. */
void cmem__pages_free(struct cmem__span *s);

/* Frees the exact block at p. Returns false where no live exact block starts there. */
bool cmem__exact_free(uintptr_t p);

/* Frees the pages from new_npages on of a large or exact span in use; false where no descriptor is
 * to be had. */
bool cmem__pages_trim(struct cmem__span *s, size_t new_npages);

/* Gives a large or exact span in use another kind and class, after a trim. */
void cmem__pages_reclass(struct cmem__span *s, enum cmem__kind kind, unsigned cls);

size_t cmem__pages_sys(void);   /* pages of all regions */
size_t cmem__pages_inuse(void); /* bytes of spans in use */

/* In bytes. The peak begins anew with each call. */
struct cmem__pages_use {
    size_t inuse;    /* of spans in use */
    size_t peak;     /* the most of that since the last call, what lay in transfer lists left out */
    size_t resident; /* of free spans that are resident */
    size_t limit;    /* SIZE_MAX for none */
};
struct cmem__pages_use cmem__pages_use(void);

uint64_t cmem__pages_activity(void); /* changes with every span that is allocated or freed */

void cmem__pages_stats(struct cmem_stats *out);
void cmem__pages_lock(void);
void cmem__pages_unlock(void);
void cmem__pages_after_fork(void);

/* The span, in use or free, that covers p, or NULL. Called with the lock held. */
struct cmem__span *cmem__pages_find(uintptr_t p);

#if CMEM_DEBUG
/* Walks the page heap and aborts on a broken invariant. Returns the number of spans. */
size_t cmem__pages_check(void);
#endif

#endif /* CMEM_PAGEHEAP_H */
