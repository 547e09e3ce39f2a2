/* stress_model.c: random calls of every function from one thread, against a model of what is live: contents, sizes,
 * counts. Every structure of the heap is checked every now and then. */
#include "stress.h"

#include "sizeclass.h"

enum { SLOTS = 400 };
#define LIVE_LIMIT (96 * MIB)

static struct slot {
    unsigned char *p;
    size_t n; /* asked for, and stamped with the slot's key */
    uint64_t key;
} slot[SLOTS];

static uint64_t seed;
static size_t live_blocks, live_bytes; /* bytes by usable size */

/* Half the sizes stand at a class's bound, give or take a byte. */
static size_t next_size(void) {
    if (pick(&seed, 2) == 0) return pick_size(&seed);
    size_t n =
        class_size((unsigned)pick(&seed, pick(&seed, 20) == 0 ? NUM_CLASSES : 100)) + pick(&seed, 3) - 1;
    return n > 0 ? n : 1;
}

static void now_live(struct slot *s, void *p, size_t n) {
    expect(p != NULL && (uintptr_t)p % 16 == 0);
    s->p = p;
    s->n = n;
    s->key = rnd(&seed);
    live_blocks++;
    live_bytes += cmem_usable_size(p);
    expect(cmem_usable_size(p) >= n);
    stamp(p, n, s->key);
}

static void no_more_live(struct slot *s) {
    expect(stamped(s->p, s->n, s->n, s->key));
    live_blocks--;
    live_bytes -= cmem_usable_size(s->p);
    s->p = NULL;
}

static void expect_zero(const unsigned char *p, size_t n) {
    size_t step = n <= 64 * KIB ? 1 : 509;
    for (size_t i = 0; i < n; i += step) expect(p[i] == 0);
    expect(p[n - 1] == 0);
}

static void fill(struct slot *s) {
    size_t n = next_size();
    unsigned dice = (unsigned)pick(&seed, 10);
    if (dice < 2) {
        size_t count = 1 + pick(&seed, 3);
        unsigned char *p = cmem_calloc(count, n / count + 1);
        expect(p != NULL);
        expect_zero(p, count * (n / count + 1));
        now_live(s, p, n);
    } else if (dice < 4) {
        size_t align = (size_t)1 << pick(&seed, 21);
        void *p;
        if (dice == 2 && align >= sizeof p)
            expect(cmem_posix_memalign(&p, align, n) == 0);
        else
            p = cmem_aligned_alloc(align, n);
        expect((uintptr_t)p % align == 0);
        now_live(s, p, n);
    } else {
        now_live(s, cmem_alloc(n), n);
    }
}

static void change(struct slot *s) {
    unsigned char *p = s->p;
    uint64_t key = s->key;
    size_t had = s->n, n = pick(&seed, 3) == 0 ? 1 + pick(&seed, had) : next_size(), keep = n < had ? n : had;
    no_more_live(s);
    p = pick(&seed, 4) == 0 ? cmem_reallocarray(p, n, 1) : cmem_realloc(p, n);
    expect(p != NULL && stamped(p, keep, had, key));
    now_live(s, p, n);
}

/* Fills slots from i on by one call. */
static void fill_batch(size_t i) {
    void *p[64];
    size_t n = 1 + pick(&seed, 20000), count = 0;
    while (count < LEN(p) && i + count < SLOTS && slot[i + count].p == NULL) count++;
    expect(cmem_alloc_batch(n, p, count) == count);
    for (size_t k = 0; k < count; k++) now_live(&slot[i + k], p[k], n);
}

static void empty_batch(size_t i) {
    void *p[64];
    size_t count = 0;
    for (; count < LEN(p) && i < SLOTS; i++, count++) {
        p[count] = slot[i].p;
        if (slot[i].p != NULL) no_more_live(&slot[i]);
    }
    cmem_free_batch(p, count);
}

static void check_all(void) {
    struct cmem_stats s = check_heap();
    expect(s.live_blocks == live_blocks);
    expect(s.live_bytes == live_bytes);
    size_t i = pick(&seed, SLOTS);
    if (slot[i].p != NULL) expect(stamped(slot[i].p, slot[i].n, slot[i].n, slot[i].key));
}

int main(void) {
    static struct budget budget;
    seed = test_seed("stress_model");
    budget_start(&budget);
    do {
        size_t i = pick(&seed, SLOTS), dice = pick(&seed, 1000);
        struct slot *s = &slot[i];
        if (dice < 4)
            cmem_scavenge(dice & 1);
        else if (dice < 14)
            check_all();
        else if (dice < 30 || live_bytes > LIVE_LIMIT)
            empty_batch(i);
        else if (dice < 40)
            fill_batch(i);
        else if (s->p == NULL)
            fill(s);
        else if (dice < 300)
            change(s);
        else {
            unsigned char *p = s->p;
            no_more_live(s);
            cmem_free(p);
        }
    } while (budget_left(&budget, 1));

    check_all();
    for (size_t i = 0; i < SLOTS; i += 64) empty_batch(i);
    cmem_scavenge(0);
    struct cmem_stats s = check_heap();
    expect(s.live_blocks == 0 && s.heap_inuse == 0 && s.regions <= 1);
    expect(s.heap_released == s.heap_idle);
    expect_moves(&budget, &s);
    printf("%" PRIu64 " operations, %" PRIu64 " blocks, %" PRIu64 " scavenges, %" PRIu64 " MiB moved\n",
           budget.ops, s.mallocs, s.scavenges, s.moved_bytes / MIB);
    return 0;
}
