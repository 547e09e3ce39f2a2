/* stress_threads.c: threads exchange blocks, free what others allocated, and die with full caches; others take their
 * place. Meanwhile somebody reads the statistics and walks the heap. */
#include "stress.h"

#include "cache.h"
#include "check.h"

enum { MAILBOXES = 256, THREADS = 6, OPS_OF_A_LIFE = 2000 };

static _Atomic(struct block *) mailbox[MAILBOXES];
static struct budget budget;
static _Atomic uint64_t lives;

static void *live_and_die(void *arg) {
    uint64_t seed = (uintptr_t)arg;
    struct block *own[16] = {NULL};
    for (unsigned i = 0; i < OPS_OF_A_LIFE; i++) {
        size_t at = pick(&seed, MAILBOXES);
        struct block *mine = pick(&seed, 4) == 0 ? NULL : block_new(&seed);
        block_free(atomic_exchange(&mailbox[at], mine));
        size_t k = pick(&seed, LEN(own));
        block_free(own[k]);
        own[k] = block_new(&seed);
    }
    cmem_free_batch((void **)own, LEN(own));
    atomic_fetch_add(&lives, 1);
    return NULL;
}

static void start(pthread_t *t, uint64_t *seed) {
    expect(pthread_create(t, NULL, live_and_die, (void *)(uintptr_t)rnd(seed)) == 0);
}

int main(void) {
    pthread_t t[THREADS];
    uint64_t seed = test_seed("stress_threads");
    budget_start(&budget);
    for (unsigned i = 0; i < THREADS; i++) start(&t[i], &seed);
    for (unsigned i = 0;; i = (i + 1) % THREADS) {
        struct cmem_stats s = stats_now();
        expect(s.heap_sys == s.heap_inuse + s.heap_idle);
        expect(s.thread_cache_bytes <= (THREADS + 1) * ((size_t)CAPACITY_THREAD + CMEM_MAX_CLASS_SIZE));
        cmem__check(false);
        if (pick(&seed, 4) == 0) cmem_scavenge(0);
        pthread_join(t[i], NULL);
        if (!budget_left(&budget, OPS_OF_A_LIFE)) {
            for (unsigned k = 1; k < THREADS; k++) pthread_join(t[(i + k) % THREADS], NULL);
            break;
        }
        start(&t[i], &seed);
    }

    for (unsigned i = 0; i < MAILBOXES; i++) block_free(mailbox[i]);
    cmem_scavenge(0);
    struct cmem_stats s = check_heap();
    expect(s.live_blocks == 0);
    expect(s.thread_cache_bytes == 0); /* the dead left nothing */
    expect(s.heap_inuse == 0);
    expect(s.heap_released == s.heap_idle);
    expect_moves(&budget, &s);
    printf("%" PRIu64 " threads, %" PRIu64 " blocks, %" PRIu64 " MiB moved\n", lives, s.mallocs,
           s.moved_bytes / MIB);
    return 0;
}
