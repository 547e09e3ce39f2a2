/* miss.h: a cache has no block: one call gets its owner the block, and more for the cache.
 *
 * Lock: none of its own. Called by C threads (magazine.c) and by Go (cmem/miss_c.go). The owner
 * fills a trip's first part while it is in its cache, calls while it is not, and applies the second
 * part when it is in its cache again, or in that of another P.
 */
#ifndef CMEM_MISS_H
#define CMEM_MISS_H

#include "base.h"
#include "budget.h"
#include "sizeclass.h"
#include "span.h"

#include <stdbool.h>

/* Go knows this layout. */
struct cmem__trip {
    /* What the owner saw, and what leaves its cache. */
    uint64_t n;                /* bytes that are wanted, CMEM_MAX_CLASS_SIZE at most */
    struct cmem__share *share; /* NULL: there is no cache, and the next four are nothing */
    int64_t room;
    struct cmem__trips trips; /* those that are due to be judged */
    uint32_t recent;          /* the cache's; what it is to be afterwards */
    uint32_t len;             /* blocks in e, that are to go to central; that came from there */

    /* What came of it. */
    uintptr_t block; /* live; 0: out of memory */
    uint32_t
        exact; /* 1: the block is no class's, and counted; else its class's count is the owner's to add */
    uint32_t reserved;
    struct cmem__entry e[MAX_MAGAZINE]; /* those for the cache lie in e[1..len], the lowest address first */
};

assert_size(struct cmem__trip, 64 + 128 * 16);
assert_offset(struct cmem__trip, n, 0);
assert_offset(struct cmem__trip, share, 8);
assert_offset(struct cmem__trip, room, 16);
assert_offset(struct cmem__trip, trips, 24);
assert_offset(struct cmem__trip, recent, 40);
assert_offset(struct cmem__trip, len, 44);
assert_offset(struct cmem__trip, block, 48);
assert_offset(struct cmem__trip, exact, 56);
assert_offset(struct cmem__trip, e, 64);

/* Gets the block, as policy.h says. *zeroed tells whether it reads as zero; may be NULL. */
void cmem__miss(struct cmem__trip *t, bool *zeroed);

#endif /* CMEM_MISS_H */
