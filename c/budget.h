/* budget.h: how many bytes each cache may hold.
 *
 * All caches together have a budget: a quarter of the peak, which is the most that was in use
 * during the last idle limit (pacer.h), or 2 MiB where that is more. Half of the budget goes to all
 * caches evenly:
 *
 *     capacity = clamp(budget / 2 / caches, 16 KiB, 1 MiB for a P, 256 KiB for a thread) + boost
 *
 * The rest of the budget is for boosts. A cache thrashes when its owner does little but miss and
 * overflow; then its boost grows, by half of its capacity at a time. Where the rest is all given
 * away, half of the largest boost moves to that cache. A boost ends when its cache is emptied. All
 * boosts shrink by the same factor where the budget shrinks. Transfer lists have a limit of their
 * own (transfer.h), which budget.c sets too.
 *
 * Lock: RANK_BUDGET for the fields that say "lock"; the rest of a share is its cache's owner's.
 * Called by cache.c, by the scavenger with each new peak, and by a cache's owner (share_...).
 */
#ifndef CMEM_BUDGET_H
#define CMEM_BUDGET_H

#include "base.h"
#include "sizeclass.h"

#include <stdatomic.h>
#include <stdbool.h>

enum cmem__cache_kind { CACHE_THREAD = 0, CACHE_P = 1, CACHE_NONE /* the cache was deleted */ };

/* A cache takes a block, of any size, while it has any room. So it may hold one block beyond its
 * capacity, and the last block freed is always at hand. A thread's cache is smaller than a P's:
 * there may be thousands of threads with little to do each, but few Ps, which do all that the
 * goroutines do. */
#define CAPACITY_P ((int64_t)1 << 20)
#define CAPACITY_THREAD ((int64_t)256 << 10)
#define CAPACITY_MIN ((int64_t)16 << 10)

#define BUDGET_MIN ((int64_t)2 << 20)
#define BUDGET_SHARE 4 /* the budget is the peak divided by this */

/* A cache thrashes if its owner makes THRASH_TRIPS trips to the central lists within THRASH_NS: the
 * owner then spends a quarter of its time or more on them. For each THRASH_BYTES bytes of missed
 * blocks of EXACT_MIN and more that time is a nanosecond longer, as such blocks may have to be
 * faulted in. */
#define THRASH_TRIPS 32
#define THRASH_NS 64000
#define THRASH_BYTES 32

/* Where blocks flow one way (misses with few overflows, or the reverse) a boost of so many bytes
 * grows no more. A larger cache saves no block a trip there: it only moves more blocks with
 * each. */
#define BOOST_ONE_WAY ((int64_t)16 << 20)

/* A cache that was refused a boost gets none for this long. */
#define BOOST_REFUSED_NS 1000000

/* Counts of an owner's trips to the central lists: for a block that its cache did not have (a
 * miss), or had no room for (an overflow). */
struct cmem__trips {
    uint32_t misses, overflows;
    uint64_t bytes; /* of the missed blocks of EXACT_MIN and more */
};

#define NO_TRIPS ((struct cmem__trips){0, 0, 0})

/* A cache's share of the budget. Go knows this layout. */
struct cmem__share {
    int64_t room; /* the capacity less the bytes held; may be negative */
    uint32_t kind;
    int64_t capacity;         /* as the owner last adopted it */
    _Atomic int64_t boost;    /* bytes on top of cmem__capacity, for the owner to adopt; lock */
    _Atomic uint64_t exact;   /* a block of this many bytes is too large for the cache to hold many; lock */
    struct cmem__trips trips; /* not judged yet */
    uint64_t since;           /* when trips were last judged; lock */
    uint64_t refused;         /* when a boost was last refused; lock */
    struct cmem__share *next; /* the next one with a boost; lock */
};

assert_size(struct cmem__trips, 16);
assert_offset(struct cmem__trips, misses, 0);
assert_offset(struct cmem__trips, overflows, 4);
assert_offset(struct cmem__trips, bytes, 8);
assert_size(struct cmem__share, 80);
assert_offset(struct cmem__share, room, 0);
assert_offset(struct cmem__share, kind, 8);
assert_offset(struct cmem__share, capacity, 16);
assert_offset(struct cmem__share, boost, 24);
assert_offset(struct cmem__share, exact, 32);
assert_offset(struct cmem__share, trips, 40);
assert_offset(struct cmem__share, since, 56);
assert_offset(struct cmem__share, refused, 64);
assert_offset(struct cmem__share, next, 72);

/* A cache's capacity without a boost, by kind. */
extern _Atomic int64_t cmem__capacity[2];

static inline bool share_boosted(const struct cmem__share *sh) {
    return atomic_load_explicit(&sh->boost, memory_order_relaxed) != 0;
}

/* The capacity that the budget gives the cache now. */
static inline int64_t share_capacity(const struct cmem__share *sh) {
    return atomic_load_explicit(&cmem__capacity[sh->kind], memory_order_relaxed) +
           atomic_load_explicit(&sh->boost, memory_order_relaxed);
}

/* For the cache's owner: takes that over. */
static inline void share_adopt(struct cmem__share *sh) {
    int64_t capacity = share_capacity(sh);
    sh->room += capacity - sh->capacity;
    sh->capacity = capacity;
}

/* For the cache's owner, in the cache: share_miss counts a miss of n bytes, share_overflow an
 * overflow. Where there are enough trips to judge, the owner takes them out (share_trips) and, once
 * out of the cache, has them judged (cache_judge). */
static inline void share_miss(struct cmem__share *sh, size_t n) {
    sh->trips.misses++;
    if (n >= EXACT_MIN) sh->trips.bytes += n;
}
static inline void share_overflow(struct cmem__share *sh) { sh->trips.overflows++; }

/* Returns the trips and begins to count anew, if there are enough to judge; else returns
 * NO_TRIPS. */
static inline struct cmem__trips share_trips(struct cmem__share *sh) {
    struct cmem__trips t = NO_TRIPS;
    if (sh->trips.misses + sh->trips.overflows >= THRASH_TRIPS) {
        t = sh->trips;
        sh->trips = NO_TRIPS;
    }
    return t;
}

/* Begin and end the share of a cache, which is empty. */
void cmem__budget_join(struct cmem__share *sh, enum cmem__cache_kind kind);
void cmem__budget_leave(struct cmem__share *sh);

/* Sets the budget by a new peak, in bytes. */
void cmem__budget_peak(size_t inuse);

/* Whether the cache thrashes by the trips t, which its owner made since the last call, and may be
 * boosted. */
bool cmem__budget_thrashing(struct cmem__share *sh, const struct cmem__trips *t);

/* Boosts the cache. The budget grows first, where `inuse` bytes are more than the peak. A cache
 * that was deleted meanwhile gets nothing. */
void cmem__budget_boost(struct cmem__share *sh, size_t inuse);
void cmem__budget_end_boost(struct cmem__share *sh);

int64_t cmem__budget_left(void);   /* bytes that there are for boosts */
int64_t cmem__budget_boosts(void); /* bytes of all boosts */

void cmem__budget_lock(void);
void cmem__budget_unlock(void);

#endif /* CMEM_BUDGET_H */
