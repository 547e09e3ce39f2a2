/* stress.h: what the stress programs share: when they end, and blocks that know what they hold. */
#ifndef CMEM_TESTS_STRESS_H
#define CMEM_TESTS_STRESS_H

#include "helpers.h"

/* How long a stress program runs: CMEM_STRESS_OPS operations, or CMEM_STRESS_SECONDS, or 2 seconds. */
struct budget {
    _Atomic uint64_t ops; /* done so far, by all threads */
    uint64_t max_ops;     /* 0: the clock decides */
    time_t deadline;
};

static inline time_t monotonic_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

static inline void budget_start(struct budget *b) {
    b->max_ops = env_number("CMEM_STRESS_OPS", 0);
    b->deadline = monotonic_seconds() + (time_t)env_number("CMEM_STRESS_SECONDS", 2);
}

/* Whether there is anything left, after `ops` more operations. */
static inline bool budget_left(struct budget *b, uint64_t ops) {
    uint64_t done = atomic_fetch_add_explicit(&b->ops, ops, memory_order_relaxed) + ops;
    return b->max_ops != 0 ? done < b->max_ops : monotonic_seconds() < b->deadline;
}

/* At the end of a run that was not cut short: resident pages were moved where the kernel does that. */
static inline void expect_moves(const struct budget *b, const struct cmem_stats *s) {
    if (b->ops >= 20000 && kernel_moves_pages()) expect(s->moved_bytes > 0);
}

/* Mostly small blocks, some large, few for which pages are moved, or huge. */
static inline size_t pick_size(uint64_t *seed) {
    size_t dice = pick(seed, 200);
    return dice < 160   ? pick_log(seed, 32, 32 * KIB)
           : dice < 192 ? pick_log(seed, 32, MIB)
           : dice < 199 ? pick_log(seed, 256 * KIB, 4 * MIB)
                        : pick_log(seed, 32, 20 * MIB);
}

/* The head of a block that passes from thread to thread. The bytes behind it are stamped with its key. */
struct block {
    size_t n; /* bytes behind the head */
    uint64_t key;
};

static inline struct block *block_new(uint64_t *seed) {
    size_t n = pick_size(seed);
    struct block *b;
    switch (pick(seed, 8)) {
    case 0:
        b = cmem_calloc(1, n);
        break;
    case 1:
        b = cmem_aligned_alloc((size_t)16 << pick(seed, 10), n);
        break;
    case 2:
        b = cmem_realloc(cmem_alloc(pick_size(seed)), n);
        break;
    default:
        b = cmem_alloc(n);
    }
    expect(b != NULL);
    b->n = n - sizeof *b;
    b->key = rnd(seed);
    stamp(b + 1, b->n, b->key);
    return b;
}

static inline void block_verify(const struct block *b) { expect(stamped(b + 1, b->n, b->n, b->key)); }

static inline void block_free(struct block *b) {
    if (b == NULL) return;
    block_verify(b);
    b->key = ~b->key; /* whoever has the block too will see it */
    cmem_free(b);
}

#endif /* CMEM_TESTS_STRESS_H */
