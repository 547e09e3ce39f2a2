/* large.h: blocks that are a span of their own and in no magazine: huge ones, and large ones that
 * are made to measure.
 *
 * Lock: none of its own. Called by the public functions, by magazine.c and by Go.
 */
#ifndef CMEM_LARGE_H
#define CMEM_LARGE_H

#include "base.h"

#include <stdbool.h>

/* A block of just the pages that n bytes need, at a multiple of align_pages pages. *zeroed tells
 * whether it reads as zero; may be NULL. NULL with errno ENOMEM. */
void *cmem__huge_alloc(size_t n, size_t align_pages, bool *zeroed);

/* A block of a page-aligned class at a multiple of more than a page. */
void *cmem__alloc_large_aligned(size_t align_pages, size_t n);

/* Frees the tail of the live large or huge block at p, which has more than n >= LARGE_MIN bytes, as
 * cmem_realloc does. An attached or owned block stays as it is. Returns the bytes it has then. */
size_t cmem__shrink(uintptr_t p, size_t n);

#endif /* CMEM_LARGE_H */
