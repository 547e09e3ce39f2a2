/* central.h: the central lists: per size class, the free blocks that are in no cache, and the count
 * of those that are out. A fetch takes from the class's transfer list first (transfer.h), and a
 * give fills that first.
 *
 * Lock: one for each small class (RANK_CENTRAL), taken here where needed, and not held when the
 * page heap is called; large classes need none. Called by the caches, C's and Go's, by uncached
 * calls, by large.c for spans and by the scavenger.
 */
#ifndef CMEM_CENTRAL_H
#define CMEM_CENTRAL_H

#include "base.h"
#include "span.h"

#include <stdbool.h>

/* Takes up to n free blocks of class c into out, and returns how many; fewer than n only where
 * memory is out (errno ENOMEM). *zeroed tells, for a large class, whether the first one reads as
 * zero; it is false for a small class, and may be NULL. */
size_t cmem__central_fetch(unsigned c, struct cmem__entry *out, size_t n, bool *zeroed);

/* Takes n blocks of class c back; their tags must be TAG_CACHED. */
void cmem__central_give(unsigned c, const struct cmem__entry *in, size_t n);

/* The same for blocks of any classes. */
void cmem__central_give_mixed(const struct cmem__entry *in, size_t n);

/* cmem__central_give, but no block goes to a transfer list. */
void cmem__central_free(unsigned c, const struct cmem__entry *in, size_t n);

/* Takes out of the transfer lists what nobody has needed there since the last trim, or all. */
void cmem__central_trim(bool all);

/* cmem__pages_alloc, but the transfer lists are emptied before a page is faulted in for the span:
 * so what lies there costs no memory. */
struct cmem__span *cmem__central_span(size_t npages, size_t align_pages, enum cmem__kind kind, unsigned c);

/* Blocks of class c that central has handed out and not had back, and bytes free in its spans. */
size_t cmem__central_out(unsigned c);
size_t cmem__central_free_bytes(void);

/* Adds n to the blocks of class c that are out: for a large span that goes to a caller with no
 * fetch, or whose class a trimming realloc changes. */
void cmem__central_count_out(unsigned c, long n);

void cmem__central_lock(void);
void cmem__central_unlock(void);

#if CMEM_DEBUG
void cmem__central_check(void);
#endif

#endif /* CMEM_CENTRAL_H */
