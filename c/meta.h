/* meta.h: memory for the library's own structures, from pages of its own.
 *
 * Lock: its own (RANK_META), the last in rank, and not held while a new chunk is mapped. Callers of
 * cmem__meta_alloc and cmem__meta_map hold no lock, as these may make that system call. Called by
 * the pagemap, the page heap, the central lists and the caches.
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
