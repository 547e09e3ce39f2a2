/* test_limit.c: the limit on what the heap holds, what is reclaimed before an allocation fails, the draining of other
 * threads' caches, and the scavenger's thread. */
#include "fake_os.h"

#include "cache.h"
#include "central.h"
#include "check.h"
#include "os.h"
#include "scavenger.h"
#include "sizeclass.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

#define MIB ((size_t)1 << 20)

static size_t held(void) {
    struct cmem_stats s = stats_now();
    return s.heap_sys - s.heap_released;
}

Test(limit, is_never_exceeded_and_refused_with_ENOMEM) {
    cr_assert_eq(cmem_set_limit(16 * MIB), 0);
    for (size_t size = 100; size < 8 * MIB; size = size * 5 / 2) {
        void *p[200000];
        size_t n = 0;
        errno = 0;
        while ((p[n] = cmem_alloc(size)) != NULL) {
            cr_assert_leq(held(), 16 * MIB);
            n++;
        }
        cr_assert_eq(errno, ENOMEM);
        cr_assert_gt(n * size, 12 * MIB * 8 / 9 - size, "%zu of %zu bytes", n, size);
        while (n > 0) cmem_free(p[--n]);
        cmem__check(true);
    }
    cr_assert_eq(cmem_set_limit(0), 0);
    void *p = cmem_alloc(20 * MIB);
    cr_assert_not_null(p);
    errno = 0;
    cr_assert_eq(cmem_set_limit(16 * MIB), -1, "more is in use");
    cr_assert_eq(errno, ERANGE);
    cr_assert_null(cmem_alloc(1), "the limit holds nevertheless");
    cmem_free(p);
    p = cmem_alloc(1);
    cr_assert_not_null(p);
    cr_assert_leq(held(), 16 * MIB, "what was freed was given back for it");
    cmem_free(p);
}

Test(limit, of_every_way_to_allocate) {
    cr_assert_eq(cmem_set_limit(1 * MIB), 0);
    void *out[4];
    cr_assert_null(cmem_alloc(2 * MIB));
    cr_assert_null(cmem_calloc(2, MIB));
    cr_assert_null(cmem_aligned_alloc(64 << 10, 2 * MIB));
    cr_assert_eq(cmem_alloc_batch(600 << 10, out, 4), 1);
    cr_assert_null(cmem_realloc(out[0], 2 * MIB));
    memset(out[0], 1, 600 << 10);
    cmem_free(out[0]);
    cr_assert_not_null(cmem_alloc(900 << 10));
    cmem__check(true);
}

/* The thread's own cache goes back before an allocation fails. */
Test(limit, reclaims_the_cache) {
    cr_assert_eq(cmem_set_limit(1 * MIB), 0);
    void *p[4];
    for (unsigned i = 0; i < 4; i++) p[i] = cmem_alloc(64 << 10);
    for (unsigned i = 0; i < 4; i++) cmem_free(p[i]);
    cr_assert_gt(stats_now().thread_cache_bytes, 0);
    void *q = cmem_alloc(1000 << 10);
    cr_assert_not_null(q, "what the cache held was in the way");
    cmem_free(q);
}

/* Whoever asks for more than the whole heap costs the others nothing. */
Test(limit, absurd_requests_reclaim_nothing) {
    void *p = cmem_alloc(2 * MIB + 1);
    cmem_free(p);
    size_t before = held();
    cr_assert_eq(cmem_set_limit(40 * MIB), 0);
    cr_assert_null(cmem_alloc(64 * MIB));
    cr_assert_null(cmem_alloc(PTRDIFF_MAX / 2));
    cr_assert_eq(held(), before);
}

/* ------------------------------------------------------------------------------------------ other threads' caches */

static sem_t filled, go_on;

static void *fill_and_wait(void *arg) {
    void *p[8];
    (void)arg;
    for (unsigned i = 0; i < 8; i++) p[i] = cmem_alloc(4000);
    for (unsigned i = 0; i < 8; i++) cmem_free(p[i]);
    sem_post(&filled);
    sem_wait(&go_on);
    for (unsigned i = 0; i < 8; i++) {
        p[i] = cmem_alloc(4000);
        memset(p[i], 1, 4000);
    }
    for (unsigned i = 0; i < 8; i++) cmem_free(p[i]);
    return NULL;
}

static bool has_barrier(void) { return cmem__os_barrier(); }

Test(drain, idle_threads) {
    if (!has_barrier()) cr_skip_test("no membarrier here");
    pthread_t t;
    sem_init(&filled, 0, 0);
    sem_init(&go_on, 0, 0);
    pthread_create(&t, NULL, fill_and_wait, NULL);
    sem_wait(&filled);
    cr_assert_geq(stats_now().thread_cache_bytes, 32000);
    cmem_scavenge(1000000000);
    cr_assert_geq(stats_now().thread_cache_bytes, 32000, "it was used a moment ago");
    nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
    cmem_scavenge(1000000);
    cr_assert_eq(stats_now().thread_cache_bytes, 0);
    cr_assert_eq(stats_now().heap_inuse, 0);
    cmem__check(true);
    sem_post(&go_on);
    pthread_join(t, NULL);
    cr_assert_eq(stats_now().live_blocks, 0);
    cmem__check(true);
}

/* An owner in the middle of its cache is left alone. */
Test(drain, busy_threads_keep_theirs) {
    struct cmem__cache *ch = cmem__cache_new(CACHE_THREAD);
    unsigned c = class_of(1000);
    cr_assert(cmem__magazine_init(ch, c));
    struct cmem__magazine *m = &ch->mag[c];
    cr_assert_eq(cmem__central_fetch(c, m->base, 1, NULL), 1);
    m->top = m->base + 1;
    ch->share.room -= (int64_t)class_size(c);
    cache_enter(ch);
    cmem_scavenge(0);
    cr_assert_eq(stats_now().thread_cache_bytes, class_size(c));
    cache_leave(ch);
    cmem_scavenge(0);
    cr_assert_eq(stats_now().thread_cache_bytes, has_barrier() ? 0 : class_size(c));
    cmem__cache_delete(ch);
}

/* -------------------------------------------------------------------------------------------- scavenger's thread */

static bool wait_until_given_back(size_t most) {
    for (unsigned i = 0; i < 500; i++) {
        if (held() <= most) return true;
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    return false;
}

Test(scavenger, gives_back_what_is_idle) {
    cr_assert_eq(cmem_scavenger_start(0), -1);
    cr_assert_eq(errno, EINVAL);
    cr_assert_eq(cmem_scavenger_start(100000000), 0);
    cr_assert_eq(cmem_scavenger_start(100000000), -1);
    cr_assert_eq(errno, EALREADY);
    char *p = cmem_alloc(20 * MIB);
    memset(p, 1, 20 * MIB);
    cmem_free(p);
    cr_assert(wait_until_given_back(0), "%zu bytes are held still", held());
    cmem_scavenger_stop();
    cmem_scavenger_stop();
    p = cmem_alloc(20 * MIB);
    memset(p, 1, 20 * MIB);
    cmem_free(p);
    cr_assert_eq(cmem_scavenger_start(50000000), 0, "once more");
    cr_assert(wait_until_given_back(0), "%zu bytes are held still", held());
    cmem_scavenger_stop();
}

/* In a Go program that scavenges there is no thread, whether one was started before or not. */
Test(scavenger, none_beside_gos) {
    cr_assert_eq(cmem_scavenger_start(1000000000), 0);
    for (unsigned i = 0; i < 2; i++) {
        if (i == 0) cmem__scavenger_is_go();
        cr_assert_eq(cmem_scavenger_start(1000000000), -1);
        cr_assert_eq(errno, EALREADY);
        cmem_scavenger_stop();
    }
}

/* Under traffic, too, what has not been in use for an idle limit goes back. */
Test(scavenger, gives_back_under_traffic) {
    cr_assert_eq(cmem_scavenger_start(200000000), 0);
    char *p = cmem_alloc(64 * MIB), *keep = cmem_alloc(8 * MIB);
    memset(p, 1, 64 * MIB);
    cmem_free(p);
    bool done = false;
    for (unsigned i = 0; i < 500 && !done; i++) {
        cmem_free(memset(cmem_alloc(300 << 10), 1, 300 << 10));
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        done = held() < 20 * MIB;
    }
    cr_assert(done, "%zu bytes are held still", held());
    cmem_scavenger_stop();
    cmem_free(keep);
}
