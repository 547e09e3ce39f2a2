/* large.h: blocks that are a span of their own and come from no magazine: exact ones, and large
 * ones at an alignment; and how a realloc trims any block that is a span.
 *
 * Lock: none of its own. Called by the public functions, by miss.c, uncached.c and Go.
 */
#ifndef CMEM_LARGE_H
#define CMEM_LARGE_H

#include "base.h"

#include <stdbool.h>

/* An exact block for n bytes, at a multiple of align_pages pages. *zeroed tells whether it reads as
 * zero; may be NULL. NULL with errno ENOMEM. */
void *cmem__exact_alloc(size_t n, size_t align_pages, bool *zeroed);

/* A block of a page-aligned class at a multiple of more than a page. */
void *cmem__alloc_large_aligned(size_t align_pages, size_t n);

/* Frees the tail of the live large or exact block at p, which has more than n >= LARGE_MIN bytes,
 * as cmem_realloc does. An attached or owned block stays as it is. Returns its bytes then. */
size_t cmem__shrink(uintptr_t p, size_t n);

#endif /* CMEM_LARGE_H */
