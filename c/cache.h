/* cache.h: caches of free blocks. A cache has one owner, a C thread or one of Go's Ps, and a
 * magazine for each size class.
 *
 * Lock: none for what is in a cache, which its owner alone touches (see cache_enter). RANK_REGISTRY
 * is for the list of all caches, RANK_DRAIN for whoever empties caches of other threads. Called by
 * a cache's owner (magazine.c, thread.c, package cmem), by the scavenger and for statistics.
 */
#ifndef CMEM_CACHE_H
#define CMEM_CACHE_H

#include "base.h"
#include "budget.h"
#include "cmem.h"
#include "sizeclass.h"
#include "span.h"

#include <stdatomic.h>
#include <stdbool.h>

/* A LIFO array of free blocks: the entries from base up to top are filled, end is where the array
 * ends. Before its first use all three are NULL: then it is both empty and full, so either fast
 * path goes on to its slow path. */
struct cmem__magazine {
    struct cmem__entry *top, *base, *end;
    uint64_t allocs; /* blocks that it has given to callers */
};

assert_size(struct cmem__magazine, 32);
assert_offset(struct cmem__magazine, top, 0);
assert_offset(struct cmem__magazine, base, 8);
assert_offset(struct cmem__magazine, end, 16);
assert_offset(struct cmem__magazine, allocs, 24);

/* Bytes in all caches, give or take what moves meanwhile. */
size_t cmem__cache_bytes(void);

/* For a cache's owner, once out of the cache: boosts the cache if it thrashes by the trips t.
 * NO_TRIPS are nothing to judge. */
void cmem__cache_judge(struct cmem__share *sh, const struct cmem__trips *t);
static inline void cache_judge(struct cmem__share *sh, const struct cmem__trips *t) {
    if (t->misses + t->overflows > 0) cmem__cache_judge(sh, t);
}

/* What a thread or P keeps. Go knows this layout. */
struct cmem__cache {
    struct cmem__share share;
    uint32_t recent; /* the last two classes missed of blocks from share.exact on, a byte each */
    uint32_t reserved[3];
    struct cmem__magazine mag[NUM_CLASSES];

    struct cmem__cache *prev, *next; /* all caches; registry lock */
    /* Threads' caches: see cache_enter. */
    _Atomic uint32_t busy, taken;
    uint64_t activity, active_since; /* what it last was, and since when it is that; drain lock */
    struct cmem__cache *drained;     /* the next of those being drained; drain lock */

    uint64_t made[(NUM_CLASSES + 63) / 64]; /* which magazines there are: a thread uses few classes */

    int64_t sent; /* a P's: bytes that it sent to transfer lists, less those that it received */

    uint8_t low[NUM_CLASSES]; /* a P's: its magazines' low marks (cmem__cache_mark); the scavenger's */
};

assert_size(struct cmem__cache, 4928);
assert_offset(struct cmem__cache, share, 0);
assert_offset(struct cmem__cache, recent, 80);
assert_offset(struct cmem__cache, mag, 96); /* none lies in two cache lines */
assert_offset(struct cmem__cache, prev, 4704);
assert_offset(struct cmem__cache, next, 4712);
assert_offset(struct cmem__cache, busy, 4720);
assert_offset(struct cmem__cache, taken, 4724);
assert_offset(struct cmem__cache, activity, 4728);
assert_offset(struct cmem__cache, active_since, 4736);
assert_offset(struct cmem__cache, drained, 4744);
assert_offset(struct cmem__cache, made, 4752);
assert_offset(struct cmem__cache, sent, 4776);
assert_offset(struct cmem__cache, low, 4784);
_Static_assert(MAX_MAGAZINE <= UINT8_MAX, "a low mark is a byte");

static inline size_t magazine_count(const struct cmem__magazine *m) { return (size_t)(m->top - m->base); }

/* The first class from c on that ch has a magazine of, or NUM_CLASSES. */
static inline unsigned cache_next(const struct cmem__cache *ch, unsigned c) {
    for (unsigned w = c / 64; w < sizeof ch->made / sizeof *ch->made; w++) {
        uint64_t bits = peek(ch->made[w]);
        if (w == c / 64) bits &= ~(uint64_t)0 << (c % 64);
        if (bits != 0) return w * 64 + (unsigned)__builtin_ctzll(bits);
    }
    return NUM_CLASSES;
}

/* For C threads: from cache_enter to cache_leave the cache is its owner's alone. At other times
 * another thread may drain it, if it is idle. That thread sets `taken`, has every CPU that runs the
 * process pass a memory barrier, and then leaves the cache alone if its owner has set `busy`. So
 * the owner needs no barrier: it pays two plain stores and a load. */
void cmem__cache_wait(struct cmem__cache *ch);
static inline void cache_mark(struct cmem__cache *ch) {
    atomic_store_explicit(&ch->busy, 1, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
}
static inline void cache_enter(struct cmem__cache *ch) {
    cache_mark(ch);
    if (unlikely(atomic_load_explicit(&ch->taken, memory_order_acquire))) cmem__cache_wait(ch);
}
static inline void cache_leave(struct cmem__cache *ch) {
    atomic_store_explicit(&ch->busy, 0, memory_order_release);
}

/* Gives the central lists all that is in threads' caches that were not used for idle_ns. */
void cmem__cache_drain(uint64_t idle_ns);

bool cmem__cache_has_threads(void); /* whether a thread has a cache */
void cmem__cache_drain_lock(void);
void cmem__cache_drain_unlock(void);

intptr_t cmem__last_cache_offset(void); /* from a thread's pointer (FS); x86-64 only */

/* Whether no thread and no P gets a cache, for as long as the process lives, as a tool watches the
 * memory (tool.h). Then every allocation and every free takes a slow path, which tells the tool.
 * The fast paths need no test for that: they find no cache. */
bool cmem__cacheless(void);

struct cmem__cache *
cmem__cache_new(enum cmem__cache_kind kind);     /* NULL: out of memory, or there are to be none */
void cmem__cache_delete(struct cmem__cache *ch); /* flushes it first */
void cmem__cache_flush(struct cmem__cache *ch);  /* gives the central lists all, and ends a boost */
/* Gives the central lists the k oldest blocks of class c. */
void cmem__cache_give_oldest(struct cmem__cache *ch, unsigned c, size_t k);

/* What lies unused in Ps' magazines. A magazine's low mark is the fewest blocks that it was seen to
 * hold: so many of its oldest blocks nobody has needed since the marks began. cmem__cache_mark
 * lowers the marks of all magazines, or begins them anew; each step of the scavenger calls it.
 * cmem__cache_trim gives the unused blocks to the central lists; nobody may be using the cache. */
void cmem__cache_mark(bool anew);
size_t cmem__cache_unused(const struct cmem__cache *ch); /* bytes */
void cmem__cache_trim(struct cmem__cache *ch);

/* A number that changes whenever a P's cache is used. */
uint64_t cmem__cache_activity(void);

bool cmem__magazine_init(struct cmem__cache *ch, unsigned c);

/* Adds the counts of all caches to *out. */
void cmem__cache_stats(struct cmem_stats *out);
size_t cmem__cache_blocks(unsigned c);
void cmem__cache_count_alloc(unsigned c, uint64_t n); /* uncached allocations */
void cmem__cache_lock(void);
void cmem__cache_unlock(void);

#if CMEM_DEBUG
void cmem__cache_check(void);
#endif

#endif /* CMEM_CACHE_H */
