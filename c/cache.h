/* cache.h: magazines of free blocks, one a size class, in caches: one for each C thread, one for
 * each of Go's Ps.
 *
 * Lock: none for what is in a cache: its owner alone touches it (see cache_enter). The list of all
 * caches has one (RANK_REGISTRY), and emptying those of other threads another (RANK_DRAIN). Called
 * by a cache's owner (magazine.c, package cmem), by the scavenger and for statistics.
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

/* A LIFO array of free blocks: entries base..top are filled, end is its limit. All three NULL
 * before the first use, so that both fast paths' tests fail. */
struct cmem__magazine {
    struct cmem__entry *top, *base, *end;
    uint64_t allocs; /* blocks it has given to callers */
};

assert_size(struct cmem__magazine, 32);
assert_offset(struct cmem__magazine, top, 0);
assert_offset(struct cmem__magazine, base, 8);
assert_offset(struct cmem__magazine, end, 16);
assert_offset(struct cmem__magazine, allocs, 24);

/* Bytes in all caches, give or take what is on its way. */
size_t cmem__cache_bytes(void);

/* For a cache's owner, once it is in it no more: boosts the cache if it thrashes by these trips;
 * nothing where they are too few to judge. */
void cmem__cache_judge(struct cmem__share *sh, const struct cmem__trips *t);

/* What a thread or P keeps. Go knows this layout. */
struct cmem__cache {
    struct cmem__share share;
    uint32_t recent; /* the last two classes that it missed as too large to hold many, a byte each */
    uint32_t reserved[3];
    struct cmem__magazine mag[NUM_CLASSES];

    struct cmem__cache *prev, *next; /* all caches; registry lock */
    /* Threads' caches: see cache_enter. */
    _Atomic uint32_t busy, taken;
    uint64_t activity, active_since; /* when it last changed, and what it was then; drain lock */
    struct cmem__cache *drained;     /* the next of those being drained; drain lock */

    uint64_t made[(NUM_CLASSES + 63) / 64]; /* which magazines there are: a thread uses few classes */

    int64_t sent; /* a P's: bytes that went to transfer lists, less those that came from there */

    uint8_t low[NUM_CLASSES]; /* a P's: the fewest blocks it held since the marks began; the scavenger's */
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

/* Between these its owner alone has the thread's cache. Elsewhere an idle thread's cache may be
 * drained by another one, which first says so (taken), then has every CPU that runs the process
 * pass a memory barrier, and then looks whether the owner is in it (busy): so neither side needs a
 * barrier of its own here, and the owner pays two plain stores and a load. */
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

/* Gives central what threads' caches hold that have not been used for idle_ns. */
void cmem__cache_drain(uint64_t idle_ns);

bool cmem__cache_has_threads(void); /* whether a thread has a cache */
void cmem__cache_drain_lock(void);
void cmem__cache_drain_unlock(void);

intptr_t cmem__last_cache_offset(void); /* from a thread's pointer (FS); x86-64 only */

/* Whether no thread and no P gets a cache, for as long as the process lives: so that every
 * allocation and every free takes a slow path, which tells the tool that watches the memory
 * (tool.h). The fast paths test nothing for it but what they test anyway: that there is a cache. */
bool cmem__cacheless(void);

struct cmem__cache *
cmem__cache_new(enum cmem__cache_kind kind);     /* NULL: out of memory, or there are to be none */
void cmem__cache_delete(struct cmem__cache *ch); /* flushes it first */
void cmem__cache_flush(struct cmem__cache *ch);  /* gives central all, and ends a boost */
/* Gives central the k oldest blocks of class c. */
void cmem__cache_give_oldest(struct cmem__cache *ch, unsigned c, size_t k);

/* What lies in a P's magazines and is not used. Each step of the scavenger notes the fewest blocks
 * that each magazine held, as far as that can be seen while they are in use. So many of its oldest
 * have lain there since the marks began (anew). Trim gives them to central; nobody may be using the
 * cache. */
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
