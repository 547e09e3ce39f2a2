/* thread.h: the calling thread's cache: made once it is needed, emptied when the thread ends.
 *
 * Lock: none. Called by magazine.c, the public functions and the scavenger; by start.c, once.
 */
#ifndef CMEM_THREAD_H
#define CMEM_THREAD_H

#include "base.h"
#include "cache.h"

#include <stdbool.h>

/* NULL until the thread's first slow path, and again once it is dying. */
extern __thread struct cmem__cache *cmem__my_cache NEAR_TLS __attribute__((visibility("hidden")));
extern __thread bool cmem__my_cache_gone NEAR_TLS __attribute__((visibility("hidden")));

/* Has threads' ends noticed, from now on. */
void cmem__thread_start(void);

/* Makes the cache of the calling thread, which has none and is not dying; NULL where it can't have
 * one. */
struct cmem__cache *cmem__thread_cache_new(void);

/* Gives central what the calling thread's cache holds. */
void cmem__thread_flush(void);

#endif /* CMEM_THREAD_H */
