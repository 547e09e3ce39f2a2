//go:build linux && (amd64 || arm64 || riscv64)

/* thread.c: C threads' caches: how they are made and end. */
#include "base.h"
#include "cache.h"
#include "thread.h"

#include <pthread.h>

__thread struct cmem__cache *cmem__my_cache NEAR_TLS;
__thread bool cmem__my_cache_gone NEAR_TLS;

static pthread_key_t exit_key;
static bool have_exit_key;

/* At a thread's end. Destructors that run later may still free: they find no cache, and their
 * blocks go to the central lists. */
static void thread_exit(void *cache) {
    cmem__my_cache = NULL;
    cmem__my_cache_gone = true;
    cmem__cache_delete(cache);
}

void cmem__thread_start(void) { have_exit_key = pthread_key_create(&exit_key, thread_exit) == 0; }

struct cmem__cache *cmem__thread_cache_new(void) {
    struct cmem__cache *ch = have_exit_key ? cmem__cache_new(CACHE_THREAD) : NULL;
    if (ch == NULL) return NULL;
    if (pthread_setspecific(exit_key, ch) != 0) { /* nobody would flush it */
        cmem__cache_delete(ch);
        cmem__my_cache_gone = true;
        return NULL;
    }
    cmem__my_cache = ch;
    return ch;
}

void cmem__thread_flush(void) {
    if (cmem__my_cache == NULL) return;
    cache_enter(cmem__my_cache);
    cmem__cache_flush(cmem__my_cache);
    cache_leave(cmem__my_cache);
}
