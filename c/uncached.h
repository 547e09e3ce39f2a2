/* uncached.h: uncached calls: allocation and free of blocks without a cache, straight from and to
 * the central lists or the page heap.
 *
 * Lock: none of its own. Called by Go for large zeroed blocks and where no P has a cache, by Go and
 * the public functions to free blocks that no cache takes (exact, owned, attached), and by the
 * public functions to zero a block.
 */
#ifndef CMEM_UNCACHED_H
#define CMEM_UNCACHED_H

#include "base.h"

#include <stdbool.h>

/* Allocates n bytes that read as zero. NULL with errno ENOMEM. */
void *cmem__calloc_uncached(size_t n);

/* Zeroes the n bytes at p, unless `zeroed` says that they read as zero. Returns p, which may be
 * NULL. */
void *cmem__zero(void *p, size_t n, bool zeroed);

/* Frees the live block at p, whatever its kind (exact, attached, of a class). Returns false where
 * no live block starts there, or one that is owned. */
bool cmem__free_uncached(uintptr_t p);

/* The same for its owner, a Go handle or arena. */
bool cmem__free_owned(uintptr_t p);

#endif /* CMEM_UNCACHED_H */
