/* bench_pair.c: cmem beside the C library's malloc, in nanoseconds an operation. Rounds of the two alternate, so that
 * what else goes on in the machine hits both; the median of each counts. */
#include "helpers.h"

#include <sched.h>

enum { ROUNDS = 7, LIVE = 64, RING = 1024 };

struct allocator {
    void *(*alloc)(size_t n);
    void (*free)(void *p);
};

static const struct allocator ours = {cmem_alloc, cmem_free}, theirs = {malloc, free};

static double now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ---------------------------------------------------------------------------------------------- workloads
 *
 * Each runs `ops` operations with blocks of n bytes, or of its own mixture. */

/* One block at a time; its first byte is written. */
static void pair(const struct allocator *a, size_t n, size_t ops) {
    for (size_t i = 0; i < ops; i++) {
        volatile char *p = a->alloc(n);
        *p = 1;
        a->free((void *)p);
    }
}

/* 64 live blocks of 10 KB to 3 MB, replaced at random; every page is written. */
static void bodies(const struct allocator *a, size_t n, size_t ops) {
    (void)n;
    void *live[LIVE] = {NULL};
    uint64_t seed = 1;
    for (size_t i = 0; i < ops; i++) {
        size_t at = pick(&seed, LIVE), size = 10000 + pick(&seed, 2990000);
        a->free(live[at]);
        volatile char *p = live[at] = a->alloc(size);
        for (size_t k = 0; k < size; k += PAGE_SIZE) p[k] = 1;
    }
    for (size_t i = 0; i < LIVE; i++) a->free(live[i]);
}

/* One thread allocates, another frees. */
static struct {
    const struct allocator *a;
    _Atomic(void *) slot[RING];
    size_t ops;
} ring;

static void *consume(void *arg) {
    for (size_t i = 0; i < ring.ops; i++) {
        void *p;
        while ((p = atomic_exchange_explicit(&ring.slot[i % RING], NULL, memory_order_acquire)) == NULL)
            sched_yield();
        ring.a->free(p);
    }
    return arg;
}

static void produce(const struct allocator *a, size_t n, size_t ops) {
    pthread_t t;
    ring.a = a;
    ring.ops = ops;
    expect(pthread_create(&t, NULL, consume, NULL) == 0);
    for (size_t i = 0; i < ops; i++) {
        volatile char *p = a->alloc(n);
        *p = 1;
        while (atomic_load_explicit(&ring.slot[i % RING], memory_order_relaxed) != NULL) sched_yield();
        atomic_store_explicit(&ring.slot[i % RING], (void *)p, memory_order_release);
    }
    pthread_join(t, NULL);
}

/* --------------------------------------------------------------------------------------------------- measure */

typedef void workload(const struct allocator *a, size_t n, size_t ops);

static double time_of(workload *run, const struct allocator *a, size_t n, size_t ops) {
    double start = now_ns();
    run(a, n, ops);
    return (now_ns() - start) / (double)ops;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *t) {
    qsort(t, ROUNDS, sizeof *t, by_value);
    return t[ROUNDS / 2];
}

static void compare(const char *name, workload *run, size_t n, size_t ops) {
    double t_ours[ROUNDS], t_theirs[ROUNDS];
    run(&ours, n, ops / 10 + 1);
    run(&theirs, n, ops / 10 + 1);
    for (unsigned i = 0; i < ROUNDS; i++) {
        t_ours[i] = time_of(run, &ours, n, ops);
        t_theirs[i] = time_of(run, &theirs, n, ops);
    }
    double x = median(t_ours), y = median(t_theirs);
    printf("%-36s %10.1f %10.1f %8.2f\n", name, x, y, y / x);
    fflush(stdout);
}

int main(void) {
    printf("%-36s %10s %10s %8s\n", "ns an operation", "cmem", "malloc", "ratio");
    for (size_t n = 16; n <= 16 * MIB; n *= 4) {
        char name[64];
        snprintf(name, sizeof name, "pair, %zu B", n);
        compare(name, pair, n, 200000);
    }
    compare("64 live, 10 KB to 3 MB, pages written", bodies, 0, 2000);
    compare("producer and consumer, 64 B", produce, 64, 100000);
    compare("producer and consumer, 4 KiB", produce, 4096, 100000);
    compare("producer and consumer, 64 KiB", produce, 65536, 30000);
    return 0;
}
