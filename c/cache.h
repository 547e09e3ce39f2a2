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

enum cmem__cache_kind { CACHE_THREAD = 0, CACHE_P = 1 };

/* The bytes a cache may hold, give or take one block: it takes a block, of any size, while there is
 * any room. So the last block freed is always at hand for the next allocation, even if it is larger
 * than the whole limit. There may be thousands of threads, each with little to do, but few Ps,
 * which do all that the goroutines do. */
#define CACHE_LIMIT_P ((int64_t)1 << 20)
#define CACHE_LIMIT_THREAD ((int64_t)256 << 10)
#define CACHE_LIMIT_MIN ((int64_t)16 << 10)

/* All caches together hold a quarter of the most that was in use of late (pacer.h), or this where
 * that is more; give or take a block for each cache. Each has the same part of half of it, within
 * the limits above; what that leaves is for those Ps that need more (cmem/cachelimit_c.go).
 * Transfer lists have a limit of their own (transfer.c). */
#define CACHE_BUDGET ((int64_t)2 << 20)
#define CACHE_BUDGET_SHARE 4

/* What the limit of a cache is to be, by kind; its owner adopts it on its slow path. */
extern _Atomic int64_t cmem__cache_limit[2];

/* Sets the limits anew for so many bytes in use of late. Returns what they leave of the budget. */
int64_t cmem__cache_budget(size_t inuse);

/* The same between two steps of the scavenger: the budget grows at once with what is in use now. */
int64_t cmem__cache_extra(void);

/* Bytes in all caches, give or take what is on its way. */
size_t cmem__cache_bytes(void);

/* What a thread or P keeps. Go knows this layout. `room` is the limit less the bytes held; it may
 * be negative. */
struct cmem__cache {
    int64_t room;
    uint32_t kind;
    uint32_t recent; /* the last two classes of EXACT_MIN and more that it had no block of, a byte each */
    struct cmem__cache *prev, *next; /* all caches; registry lock */
    struct cmem__magazine mag[NUM_CLASSES];

    int64_t limit;
    /* Threads' caches: see cache_enter. */
    _Atomic uint32_t busy, taken;
    uint64_t activity, active_since; /* when it last changed, and what it was then; drain lock */
    struct cmem__cache *drained;     /* the next of those being drained; drain lock */

    uint64_t made[(NUM_CLASSES + 63) / 64]; /* which magazines there are: a thread uses few classes */

    int64_t sent; /* a P's: bytes that went to transfer lists, less those that came from there */
};

assert_size(struct cmem__cache, 4712);
assert_offset(struct cmem__cache, room, 0);
assert_offset(struct cmem__cache, kind, 8);
assert_offset(struct cmem__cache, recent, 12);
assert_offset(struct cmem__cache, prev, 16);
assert_offset(struct cmem__cache, next, 24);
assert_offset(struct cmem__cache, mag, 32);
assert_offset(struct cmem__cache, limit, 4640);
assert_offset(struct cmem__cache, busy, 4648);
assert_offset(struct cmem__cache, taken, 4652);
assert_offset(struct cmem__cache, activity, 4656);
assert_offset(struct cmem__cache, active_since, 4664);
assert_offset(struct cmem__cache, drained, 4672);
assert_offset(struct cmem__cache, made, 4680);
assert_offset(struct cmem__cache, sent, 4704);

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

/* For its owner: adopts the limit that caches of its kind have now. */
static inline void cache_adopt(struct cmem__cache *ch) {
    int64_t limit = atomic_load_explicit(&cmem__cache_limit[ch->kind], memory_order_relaxed);
    ch->room += limit - ch->limit;
    ch->limit = limit;
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
void cmem__cache_flush(struct cmem__cache *ch);
/* Gives central the k oldest blocks of class c. */
void cmem__cache_give_oldest(struct cmem__cache *ch, unsigned c, size_t k);
void cmem__cache_trim(struct cmem__cache *ch,
                      const uint16_t number[NUM_CLASSES]); /* gives central the oldest blocks of each class */
bool cmem__magazine_init(struct cmem__cache *ch, unsigned c);

/* Adds the counts of all caches to *out. */
void cmem__cache_stats(struct cmem_stats *out);
size_t cmem__cache_blocks(unsigned c);
void cmem__cache_count_alloc(unsigned c, uint64_t n); /* allocations that went past every cache */
void cmem__cache_lock(void);
void cmem__cache_unlock(void);

#if CMEM_DEBUG
void cmem__cache_check(void);
#endif

#endif /* CMEM_CACHE_H */
