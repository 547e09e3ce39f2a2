/* meta.h: memory for the library's own structures, from pages of its own.
 *
 * Lock: its own (RANK_META), the last in rank: so it may be called with any other held, though a
 * call that needs a new chunk maps it without. Called by the pagemap, the page heap, the central
 * lists and the caches.
 */
#ifndef CMEM_META_H
#define CMEM_META_H

#include "base.h"

/* Zeroed memory from the library's own pages, 64-byte aligned; NULL with errno ENOMEM. */
void *cmem__meta_alloc(size_t bytes);
void cmem__meta_free(void *p, size_t bytes);
/* Whole zeroed pages that are never given back. */
void *cmem__meta_map(size_t bytes);
size_t cmem__meta_bytes(void);
void cmem__meta_lock(void);
void cmem__meta_unlock(void);

#endif /* CMEM_META_H */
