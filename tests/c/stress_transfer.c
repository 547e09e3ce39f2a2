/* stress_transfer.c: threads exchange blocks through a transfer list as the Ps of a Go program do,
 * where they can, and by way of central where not. Meanwhile somebody trims the lists, changes
 * their limit, reads the statistics and walks the heap. */
#include "stress.h"
#include "go_transfer.h"

#include "central.h"
#include "check.h"
#include "sizeclass.h"
#include "span.h"
#include "tool.h"
#include "transfer.h"

enum { THREADS = 3, MAGAZINE = 16, ROUNDS = 50 };

static const size_t sizes[] = {8 * KIB, 64 * KIB, 256 * KIB};

static struct budget budget;
static _Atomic uint64_t by_list, by_central;

/* Takes blocks, which become the thread's alone. */
static size_t fill(unsigned c, struct cmem__entry *e, size_t n) {
    size_t got = go_receive(c, e, n);
    if (got > 0) {
        atomic_fetch_add_explicit(&by_list, got, memory_order_relaxed);
    } else {
        got = cmem__central_fetch(c, e, 4, NULL);
        expect(got == 4);
        atomic_fetch_add_explicit(&by_central, got, memory_order_relaxed);
    }
    return got;
}

static void empty(unsigned c, const struct cmem__entry *e, size_t n) {
    size_t sent = go_send(c, e, n);
    if (sent < n) cmem__central_give(c, e + sent, n - sent);
}

/* While they are allocated nobody else writes them, and nobody else has them. */
static void use(unsigned c, const struct cmem__entry *e, size_t n, uint64_t key) {
    for (size_t i = 0; i < n; i++) {
        expect(tag_get(e[i].tag) == TAG_CACHED);
        tag_set(e[i].tag, c + 1);
        unpoison(e[i].block, EDGE);
        stamp((void *)e[i].block, EDGE, key + i);
    }
    for (size_t i = 0; i < n; i++) {
        expect(stamped((void *)e[i].block, EDGE, EDGE, key + i));
        poison(e[i].block, EDGE);
        expect(tag_get(e[i].tag) == c + 1);
        tag_set(e[i].tag, TAG_CACHED);
    }
}

static void *be_a_p(void *arg) {
    uint64_t seed = (uintptr_t)arg;
    struct cmem__entry e[MAGAZINE];
    while (budget_left(&budget, ROUNDS)) {
        for (unsigned i = 0; i < ROUNDS; i++) {
            unsigned c = class_of(sizes[pick(&seed, LEN(sizes))]);
            size_t n = fill(c, e, 1 + pick(&seed, MAGAZINE));
            use(c, e, n, rnd(&seed));
            empty(c, e, n);
        }
    }
    return NULL;
}

int main(void) {
    pthread_t t[THREADS];
    uint64_t seed = test_seed("stress_transfer");
    atomic_store(&cmem__transfer_limit, 6 * MIB);
    budget_start(&budget);
    for (unsigned i = 0; i < THREADS; i++)
        expect(pthread_create(&t[i], NULL, be_a_p, (void *)(uintptr_t)rnd(&seed)) == 0);
    while (budget_left(&budget, 0)) {
        atomic_store(&cmem__transfer_limit, (1 + pick(&seed, 3)) * 2 * MIB);
        if (pick(&seed, 2) == 0) cmem__central_trim(pick(&seed, 4) == 0);
        if (pick(&seed, 8) == 0) cmem_scavenge(pick(&seed, 2));
        (void)stats_now();
        cmem__check(false);
    }
    for (unsigned i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
    expect(by_list > 0 && by_central > 0);

    struct cmem_stats s = check_heap();
    expect(s.live_blocks == 0 && s.central_free_bytes >= cmem__transfer_bytes());
    cmem_scavenge(0);
    expect(cmem__transfer_bytes() == 0);
    expect(check_heap().heap_inuse == 0);
    printf("%" PRIu64 " blocks by the lists, %" PRIu64 " by central\n", by_list, by_central);
    return 0;
}
