//go:build cgo && linux && (amd64 || arm64 || riscv64)

#include "threads.h"

#include "cmem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One thread; its count of bytes is alone on its cache line. */
struct thread {
    _Alignas(64) _Atomic int64_t held;
    struct footprint_threads *all;
    pthread_t id;
    uint64_t rng; /* xorshift64 */
};

struct footprint_threads {
    enum footprint_work work;
    size_t n, slots, nsizes;
    int32_t *sizes;
    atomic_bool quit;
    struct thread *threads;
};

static uint64_t draw(struct thread *t) {
    t->rng ^= t->rng << 13;
    t->rng ^= t->rng >> 7;
    t->rng ^= t->rng << 17;
    return t->rng;
}

static char *get(enum footprint_work work, size_t n) {
    return work == FOOTPRINT_CMEM ? cmem_alloc(n) : malloc(n);
}

static void put(enum footprint_work work, char *p) {
    if (work == FOOTPRINT_CMEM)
        cmem_free(p);
    else
        free(p);
}

/* Puts a new buffer, all its pages written, into a slot. */
static void replace(struct thread *t, char **buffer, int32_t *size) {
    put(t->all->work, *buffer);
    t->held -= *size;
    *size = t->all->sizes[draw(t) % t->all->nsizes];
    *buffer = get(t->all->work, (size_t)*size);
    if (*buffer == NULL) abort(); /* the machine is too small for this measurement */
    for (int32_t i = 0; i < *size; i += 4096) (*buffer)[i] = 1;
    t->held += *size;
}

static void *run(void *arg) {
    struct thread *t = arg;
    const struct footprint_threads *all = t->all;
    char *buffers[64] = {NULL};
    int32_t sizes[64] = {0};
    while (!atomic_load(&all->quit)) {
        size_t i = draw(t) % all->slots;
        if (all->work != FOOTPRINT_IDLE) replace(t, &buffers[i], &sizes[i]);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    for (size_t i = 0; i < all->slots; i++) put(all->work, buffers[i]);
    return NULL;
}

struct footprint_threads *footprint_threads_start(size_t n, enum footprint_work work, size_t slots,
                                                  const int32_t *sizes, size_t nsizes, uint64_t seed) {
    struct footprint_threads *ts = calloc(1, sizeof *ts);
    if (ts == NULL || slots == 0 || slots > 64) return NULL;
    ts->threads = aligned_alloc(64, n * sizeof *ts->threads);
    ts->sizes = malloc(nsizes * sizeof *sizes);
    if (ts->threads == NULL || ts->sizes == NULL) return NULL;
    memset(ts->threads, 0, n * sizeof *ts->threads);
    memcpy(ts->sizes, sizes, nsizes * sizeof *sizes);
    ts->n = n;
    ts->work = work;
    ts->slots = slots;
    ts->nsizes = nsizes;
    for (size_t i = 0; i < n; i++) {
        struct thread *t = &ts->threads[i];
        t->all = ts;
        t->rng = (seed + i + 1) * 0x9E3779B97F4A7C15u | 1;
        if (pthread_create(&t->id, NULL, run, t) != 0) return NULL;
    }
    return ts;
}

int64_t footprint_threads_live(const struct footprint_threads *ts) {
    int64_t sum = 0;
    for (size_t i = 0; i < ts->n; i++) sum += atomic_load(&ts->threads[i].held);
    return sum;
}

void footprint_threads_stop(struct footprint_threads *ts) {
    atomic_store(&ts->quit, true);
    for (size_t i = 0; i < ts->n; i++) pthread_join(ts->threads[i].id, NULL);
    free(ts->threads);
    free(ts->sizes);
    free(ts);
}
