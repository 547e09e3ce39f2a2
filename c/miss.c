//go:build linux && (amd64 || arm64 || riscv64)

/* miss.c: what happens on a miss, when a cache has no block of the class. */
#include "base.h"
#include "budget.h"
#include "cache.h"
#include "central.h"
#include "large.h"
#include "miss.h"
#include "policy.h"
#include "sizeclass.h"
#include "span.h"
#include "transfer.h"

/* How many blocks of class c to fetch. */
static size_t wanted(const struct cmem__trip *t, unsigned c) {
    if (t->share == NULL) return 1;
    bool boosted = share_boosted(t->share);
    return policy_refill(c, t->room, boosted, boosted ? cmem__transfer_blocks(c) : 0);
}

void cmem__miss(struct cmem__trip *t, bool *zeroed) {
    unsigned c = class_of(t->n);
    if (t->len > 0) cmem__central_give_mixed(t->e, t->len);
    cache_judge(t->share, &t->trips);
    t->block = t->len = t->exact = 0;
    if (t->n >= EXACT_MIN && (t->share == NULL || t->n >= t->share->exact)) {
        t->exact = policy_exact(c, t->n, t->recent);
        t->recent = policy_recent(t->recent, c);
    }
    if (t->exact) {
        t->block = (uintptr_t)cmem__exact_alloc(t->n, 1, zeroed);
        return;
    }
    size_t got = cmem__central_fetch(c, t->e, wanted(t, c), zeroed);
    if (unlikely(got == 0)) return;
    t->block = t->e[0].block;
    tag_set(t->e[0].tag, c + 1);
    t->len = (uint32_t)got - 1;
}
