/* stress_scavenge.c: pages go back to the operating system all the time while others allocate: no live block may
 * lose its contents, and at the end everything that is free has been given back once. */
#include "stress.h"

#include "check.h"
#include "scavenger.h"

enum { THREADS = 3, SLOTS = 64 };

static struct budget budget;
static _Atomic unsigned running;

static void *allocate(void *arg) {
    uint64_t seed = (uintptr_t)arg;
    struct block *own[SLOTS] = {NULL};
    do {
        size_t i = pick(&seed, SLOTS);
        block_free(own[i]);
        own[i] = pick(&seed, 3) == 0 ? NULL : block_new(&seed);
        size_t k = pick(&seed, SLOTS);
        if (own[k] != NULL) block_verify(own[k]);
        if (pick(&seed, 100) == 0) cmem_scavenge(0); /* two at a time, and the caches empty */
    } while (budget_left(&budget, 1));
    for (size_t i = 0; i < SLOTS; i++) block_free(own[i]);
    atomic_fetch_sub(&running, 1);
    return NULL;
}

static void *alloc_once(void *arg) {
    cmem_free(cmem_alloc(100));
    return arg;
}

/* Caches come and go while others empty them. */
static void *churn(void *arg) {
    pthread_t t;
    while (running > 0) {
        expect(pthread_create(&t, NULL, alloc_once, arg) == 0);
        pthread_join(t, NULL);
    }
    return arg;
}

int main(void) {
    pthread_t t[THREADS], churner;
    uint64_t seed = test_seed("stress_scavenge");
    budget_start(&budget);
    running = THREADS;
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    expect(null >= 0);
    for (unsigned i = 0; i < THREADS; i++) {
        expect(pthread_create(&t[i], NULL, allocate, (void *)(uintptr_t)rnd(&seed)) == 0);
    }
    expect(pthread_create(&churner, NULL, churn, NULL) == 0);
    for (unsigned i = 0; running > 0; i++) {
        cmem_scavenge(i % 3 == 0 ? 0 : 1000000);
        if (i % 4 == 0) (void)cmem__scavenger_step(1000000);
        if (i % 16 == 0) cmem__check(false);
        if (i % 16 == 8) expect(cmem_spans(null) == 0);
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL); /* leave the locks to others for a while */
    }
    for (unsigned i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
    pthread_join(churner, NULL);

    cmem_scavenge(0);
    struct cmem_stats s = check_heap();
    expect(s.live_blocks == 0 && s.heap_inuse == 0);
    expect(s.heap_released == s.heap_idle);
    expect(s.regions <= 1); /* whatever threads made at the same time, one is the first */
    expect(cmem_scavenge(0) == 0);
    expect_moves(&budget, &s);
    printf("%" PRIu64 " operations, %" PRIu64 " scavenges, %" PRIu64 " MiB given back, %" PRIu64
           " MiB moved\n",
           budget.ops, s.scavenges, s.scavenged_bytes / MIB, s.moved_bytes / MIB);
    return 0;
}
