/* lock.h: locks with ranks, and the thread that forks, which holds them all.
 *
 * Locks are taken in rising rank, those of one rank in rising address; a debug build aborts on any
 * other order. No lock is held across malloc or a system call, but for two: the drain lock across
 * membarrier (cache.c), and the transfer lock across naps of a microsecond (transfer.c).
 *
 * A fork takes all locks, in this order (start.c). Atfork handlers of the program may use the
 * library meanwhile: for the thread that forks, lock and unlock do nothing. No call is a
 * cancellation point: whoever waits for more than a lock waits by cmem__os_wait.
 *
 * Called by every part that has a lock.
 */
#ifndef CMEM_LOCK_H
#define CMEM_LOCK_H

#include "base.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum {
    RANK_DRAIN = 50,    /* emptying the caches of other threads */
    RANK_CENTRAL = 100, /* one a small class */
    RANK_TRANSFER = 200,
    RANK_PAGEHEAP = 300,
    RANK_REGISTRY = 400,
    RANK_BUDGET = 450,
    RANK_META = 500,
};

struct cmem__lock {
    pthread_mutex_t mutex;
    int rank;
};

/* All are held for less than it takes to sleep and be woken: whoever finds one taken tries again
 * for a while. Where one thread allocates what another frees, that saves a fifth to a quarter of
 * the time. */
#ifdef PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
#define MUTEX_INIT PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
#else
#define MUTEX_INIT PTHREAD_MUTEX_INITIALIZER
#endif

#define LOCK_INIT(r) \
    { MUTEX_INIT, (r) }

#if CMEM_DEBUG
void cmem__lock_check(const struct cmem__lock *l);
void cmem__lock_took(const struct cmem__lock *l);
void cmem__lock_left(const struct cmem__lock *l);
#else
static inline void cmem__lock_check(const struct cmem__lock *l) { (void)l; }
static inline void cmem__lock_took(const struct cmem__lock *l) { (void)l; }
static inline void cmem__lock_left(const struct cmem__lock *l) { (void)l; }
#endif

/* The thread that forks, from when it has all locks until it lets go of them; 0 for none. */
extern _Atomic(pthread_t) cmem__forker;
static inline bool forking(void) {
    pthread_t t = atomic_load_explicit(&cmem__forker, memory_order_relaxed);
    return unlikely(t != 0) && pthread_equal(t, pthread_self());
}

static inline void lock(struct cmem__lock *l) {
    if (forking()) return;
    cmem__lock_check(l);
    pthread_mutex_lock(&l->mutex);
    cmem__lock_took(l);
}

static inline void unlock(struct cmem__lock *l) {
    if (forking()) return;
    cmem__lock_left(l);
    pthread_mutex_unlock(&l->mutex);
}

#endif /* CMEM_LOCK_H */
