/* budget.h: how many bytes each cache may hold.
 *
 * All caches together have a budget: a quarter of the most that was in use of late (pacer.h), or 2
 * MiB where that is more. Half of it is shared out evenly, within the bounds below:
 *
 *     capacity = clamp(budget / 2 / caches, 16 KiB, 1 MiB for a P, 256 KiB for a thread) + boost
 *
 * What that leaves is for boosts of the caches that thrash: their owner does little but miss and
 * overflow. A boost grows by half of the cache's capacity at a time. Where all is given away, half
 * of the largest boost moves. A boost ends when the cache is drained, and all shrink alike where
 * the budget does. Transfer lists have a limit of their own (transfer.h), which is set here too.
 *
 * Lock: RANK_BUDGET for what the comments say; the rest of a share is its cache's owner's alone.
 * Called by cache.c, and by the scavenger with a new peak.
 */
#ifndef CMEM_BUDGET_H
#define CMEM_BUDGET_H

#include "base.h"
#include "sizeclass.h"

#include <stdatomic.h>
#include <stdbool.h>

enum cmem__cache_kind { CACHE_THREAD = 0, CACHE_P = 1, CACHE_NONE /* it has left */ };

/* A cache takes a block, of any size, while it has any room. So it may hold a block more than its
 * capacity, and the last block freed is always at hand. There may be thousands of threads, each
 * with little to do, but few Ps, which do all that the goroutines do. */
#define CAPACITY_P ((int64_t)1 << 20)
#define CAPACITY_THREAD ((int64_t)256 << 10)
#define CAPACITY_MIN ((int64_t)16 << 10)

#define BUDGET_MIN ((int64_t)2 << 20)
#define BUDGET_SHARE 4 /* of the peak, one part */

/* A cache thrashes if its owner makes THRASH_TRIPS trips to the central lists within THRASH_NS: it
 * spends a quarter of its time or more on them. A block of EXACT_MIN or more may be faulted in:
 * THRASH_BYTES bytes of it count as a nanosecond. */
#define THRASH_TRIPS 32
#define THRASH_NS 64000
#define THRASH_BYTES 32

/* Flow in one direction (misses with few overflows, or the reverse) gains little from a boost
 * beyond this: it saves no trip, each is but for more blocks. */
#define BOOST_ONE_WAY ((int64_t)16 << 20)

/* For so long a cache that could have no more does not ask again. */
#define BOOST_REFUSED_NS 1000000

/* Trips for blocks that a cache did not have, or had no room for. */
struct cmem__trips {
    uint32_t misses, overflows;
    uint64_t bytes; /* of the misses of EXACT_MIN and more */
};

#define NO_TRIPS ((struct cmem__trips){0, 0, 0})

/* A cache's share of the budget. Go knows this layout. */
struct cmem__share {
    int64_t room; /* the capacity less the bytes held; may be negative */
    uint32_t kind;
    int64_t capacity;         /* as its owner has adopted it */
    _Atomic int64_t boost;    /* of the capacity to be adopted: the part beyond cmem__capacity; lock */
    _Atomic uint64_t exact;   /* blocks of as many bytes are too large for the cache to hold many; lock */
    struct cmem__trips trips; /* not judged yet */
    uint64_t since;           /* the last judgement; lock */
    uint64_t refused;         /* when there was last no more to be had; lock */
    struct cmem__share *next; /* of those with a boost; lock */
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

/* For the cache's owner: adopts the capacity that it has by now. */
static inline void share_adopt(struct cmem__share *sh) {
    int64_t capacity = atomic_load_explicit(&cmem__capacity[sh->kind], memory_order_relaxed) +
                       atomic_load_explicit(&sh->boost, memory_order_relaxed);
    sh->room += capacity - sh->capacity;
    sh->capacity = capacity;
}

/* For the cache's owner: counts a miss of n bytes, or an overflow. True where the trips are due: the
 * owner takes them (share_trips), and has them judged when it is in its cache no more. */
static inline bool share_due(const struct cmem__share *sh) {
    return sh->trips.misses + sh->trips.overflows >= THRASH_TRIPS;
}
static inline bool share_miss(struct cmem__share *sh, size_t n) {
    sh->trips.misses++;
    if (n >= EXACT_MIN) sh->trips.bytes += n;
    return share_due(sh);
}
static inline bool share_overflow(struct cmem__share *sh) {
    sh->trips.overflows++;
    return share_due(sh);
}

/* The trips counted, if they are due; none if not. Counting begins anew. */
static inline struct cmem__trips share_trips(struct cmem__share *sh) {
    struct cmem__trips t = NO_TRIPS;
    if (share_due(sh)) {
        t = sh->trips;
        sh->trips = NO_TRIPS;
    }
    return t;
}

/* Begins and ends the share of a cache that is empty. */
void cmem__budget_join(struct cmem__share *sh, enum cmem__cache_kind kind);
void cmem__budget_leave(struct cmem__share *sh);

/* Sets the budget for so many bytes in use at the peak. */
void cmem__budget_peak(size_t inuse);

/* Whether the cache thrashes, by the trips since it was last asked. */
bool cmem__budget_thrashing(struct cmem__share *sh, const struct cmem__trips *t);

/* Boosts the cache; the budget grows at once with what is in use now. A cache that has left
 * meanwhile gets nothing. */
void cmem__budget_boost(struct cmem__share *sh, size_t inuse);
void cmem__budget_end_boost(struct cmem__share *sh);

int64_t cmem__budget_left(void); /* bytes for boosts, and those given away */
int64_t cmem__budget_boosts(void);

void cmem__budget_lock(void);
void cmem__budget_unlock(void);

#endif /* CMEM_BUDGET_H */
