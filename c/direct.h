/* direct.h: blocks past every cache.
 *
 * Lock: none of its own. Called by Go where it has no cache at hand, and where a block is not for a
 * cache: huge, owned, attached.
 */
#ifndef CMEM_DIRECT_H
#define CMEM_DIRECT_H

#include "base.h"

#include <stdbool.h>

/* n bytes that read as zero. NULL with errno ENOMEM. */
void *cmem__calloc_direct(size_t n);

/* Zeroes the block p of n bytes unless its pages are known to be zero, and returns it; NULL is let
 * through. */
void *cmem__zero(void *p, size_t n, bool zeroed);

/* Takes the block that starts at p from its caller, whatever its kind (huge, attached, of a class),
 * straight to central. Returns false where no live block starts there, or one that is owned. */
bool cmem__free_direct(uintptr_t p);

/* The same for its owner, a Go handle or arena. */
bool cmem__free_owned(uintptr_t p);

#endif /* CMEM_DIRECT_H */
