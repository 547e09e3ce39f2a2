/* miss.h: what happens on a miss, when a cache has no block of the class: one call gets a block for
 * the caller, and more of the class for the cache.
 *
 * The cache's owner passes a trip, in three steps. In its cache it fills the first part; out of the
 * cache it calls cmem__miss, which fills the second part; in its cache again it applies that. By
 * then a goroutine may be on another P, and applies it to that P's cache.
 *
 * Lock: none of its own. Called by C threads (magazine.c) and by Go (cmem/miss_c.go).
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
    /* The first part: what the owner saw, and what leaves its cache. `recent`, `len` and `e` belong
     * to both parts. */
    uint64_t n;                /* bytes wanted, CMEM_MAX_CLASS_SIZE at most */
    struct cmem__share *share; /* the cache's; NULL without a cache: trips and recent are 0 then */
    int64_t room;              /* the cache's, if there is one */
    struct cmem__trips trips;  /* the trips to be judged, or NO_TRIPS */
    uint32_t recent;           /* first the cache's; then what the cache's is to be */
    uint32_t len;              /* first how many of e leave the cache; then how many are for it */

    /* The second part: what cmem__miss got. */
    uintptr_t block; /* a live block; 0: out of memory */
    uint32_t exact;  /* 1: the block is exact, and counted already; 0: the owner is to count it */
    uint32_t reserved;
    struct cmem__entry e[MAX_MAGAZINE]; /* first e[0..len-1]; then e[1..len], lowest address first */
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

/* Gives e to the central lists, has the trips judged, and gets a block and more for the cache, as
 * policy.h says. *zeroed tells whether the block reads as zero; may be NULL. */
void cmem__miss(struct cmem__trip *t, bool *zeroed);

#endif /* CMEM_MISS_H */
