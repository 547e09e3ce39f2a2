/* go_transfer.h: what cmem/transfer_c.go does with a transfer list, for tests: in it, without C's lock. */
#ifndef CMEM_TESTS_GO_TRANSFER_H
#define CMEM_TESTS_GO_TRANSFER_H

#include "helpers.h"

#include "span.h"
#include "transfer.h"

static inline struct cmem__transfer *list_of(unsigned c) { return &cmem__transfer[c - TRANSFER_FIRST]; }

static inline bool go_enter(struct cmem__transfer *t) {
    uint32_t expected = 0;
    return atomic_compare_exchange_strong(&t->taken, &expected, 1);
}

static inline void go_leave(struct cmem__transfer *t) { atomic_store(&t->taken, 0); }

/* What Go's side has counted, which cmem__transfer_counts knows of. Go has one for each P. */
static int64_t go_sent;
static inline void go_count(unsigned c, int64_t n) {
    __atomic_fetch_add(&go_sent, n * (int64_t)class_size(c), __ATOMIC_RELAXED);
}

/* Both return how many blocks they have moved: none where somebody is in the list. */
static inline size_t go_send(unsigned c, const struct cmem__entry *in, size_t n) {
    struct cmem__transfer *t = list_of(c);
    cmem__transfer_counts(&go_sent);
    if (!go_enter(t)) return 0;
    if (n > t->most - t->n) n = t->most - t->n;
    memcpy(&t->e[t->n], in, n * sizeof *in);
    poke(t->n, (uint32_t)(t->n + n));
    go_count(c, (int64_t)n);
    go_leave(t);
    return n;
}

static inline size_t go_receive(unsigned c, struct cmem__entry *out, size_t n) {
    struct cmem__transfer *t = list_of(c);
    cmem__transfer_counts(&go_sent);
    if (!go_enter(t)) return 0;
    if (n > t->n) n = t->n;
    poke(t->n, (uint32_t)(t->n - n));
    if (t->low > t->n) t->low = t->n;
    memcpy(out, &t->e[t->n], n * sizeof *out);
    go_count(c, -(int64_t)n);
    go_leave(t);
    return n;
}

#endif /* CMEM_TESTS_GO_TRANSFER_H */
