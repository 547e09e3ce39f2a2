//go:build linux && (amd64 || arm64 || riscv64)

/* budget.c: how many bytes each cache may hold. */
#include "base.h"
#include "budget.h"
#include "lock.h"
#include "os.h"
#include "pacer.h"
#include "sizeclass.h"
#include "transfer.h"

static struct {
    struct cmem__lock lock;
    int64_t caches[2]; /* by kind */
    int64_t inuse;     /* the peak in bytes, BUDGET_MIN * BUDGET_SHARE at least */
    int64_t left;      /* bytes of the budget that are for boosts */
    int64_t boosts;    /* bytes of all boosts */
    struct cmem__share *boosted;
} budget = {.lock = LOCK_INIT(RANK_BUDGET), .inuse = BUDGET_MIN * BUDGET_SHARE, .left = BUDGET_MIN};

_Atomic int64_t cmem__capacity[2] = {CAPACITY_THREAD, CAPACITY_P};

static int64_t boost_of(const struct cmem__share *sh) {
    return atomic_load_explicit(&sh->boost, memory_order_relaxed);
}

/* From a quarter of the cache's capacity on, EXACT_MIN at least, blocks are too large for it to
 * hold many. */
static void set_exact(struct cmem__share *sh) {
    uint64_t quarter = (uint64_t)share_capacity(sh) / 4;
    atomic_store_explicit(&sh->exact, quarter > EXACT_MIN ? quarter : EXACT_MIN, memory_order_relaxed);
}

/* Sets the boost of the cache at *at, which leaves the list where that is nothing. Returns the next
 * place in the list. */
static struct cmem__share **set_boost_at(struct cmem__share **at, int64_t bytes) {
    struct cmem__share *sh = *at;
    budget.boosts += bytes - boost_of(sh);
    atomic_store_explicit(&sh->boost, bytes, memory_order_relaxed);
    set_exact(sh);
    if (bytes > 0) return &sh->next;
    *at = sh->next;
    return at;
}

static void set_boost(struct cmem__share *sh, int64_t bytes) {
    struct cmem__share **at = &budget.boosted;
    while (*at != NULL && *at != sh) at = &(*at)->next;
    if (*at == NULL) {
        sh->next = NULL;
        *at = sh;
    }
    (void)set_boost_at(at, bytes);
}

/* One cache's part of half of the budget, which is `bytes`. */
static int64_t even_part(int64_t bytes, enum cmem__cache_kind kind) {
    int64_t n = budget.caches[CACHE_THREAD] + budget.caches[CACHE_P];
    int64_t part = bytes / 2 / (n > 1 ? n : 1), most = kind == CACHE_P ? CAPACITY_P : CAPACITY_THREAD;
    return part > most ? most : part < CAPACITY_MIN ? CAPACITY_MIN : part;
}

/* Shares the budget out anew. Transfer lists take nothing where no P has a cache, as in a C program
 * or where a tool watches. */
static void share_out(int64_t inuse) {
    int64_t least = BUDGET_MIN * BUDGET_SHARE;
    budget.inuse = inuse > least ? inuse : least;
    int64_t all = budget.inuse / BUDGET_SHARE;
    budget.left = all;
    for (int kind = CACHE_THREAD; kind <= CACHE_P; kind++) {
        int64_t part = even_part(all, kind);
        atomic_store_explicit(&cmem__capacity[kind], part, memory_order_relaxed);
        budget.left -= budget.caches[kind] * part;
    }
    if (budget.left < 0) budget.left = 0;
    if (budget.boosts > budget.left) {
        double keep = (double)budget.left / (double)budget.boosts;
        for (struct cmem__share **at = &budget.boosted; *at != NULL;)
            at = set_boost_at(at, (int64_t)((double)boost_of(*at) * keep));
    }
    size_t lists = budget.caches[CACHE_P] > 0 ? pacer_keep((size_t)budget.inuse) : 0;
    atomic_store_explicit(&cmem__transfer_limit, lists, memory_order_relaxed);
}

void cmem__budget_join(struct cmem__share *sh, enum cmem__cache_kind kind) {
    lock(&budget.lock);
    budget.caches[kind]++;
    share_out(budget.inuse);
    sh->kind = kind;
    sh->room = sh->capacity = 0;
    sh->trips = NO_TRIPS;
    sh->refused = 0;
    set_boost(sh, 0);
    share_adopt(sh);
    unlock(&budget.lock);
}

void cmem__budget_leave(struct cmem__share *sh) {
    lock(&budget.lock);
    set_boost(sh, 0);
    budget.caches[sh->kind]--;
    sh->kind = CACHE_NONE;
    share_out(budget.inuse);
    unlock(&budget.lock);
}

void cmem__budget_peak(size_t inuse) {
    lock(&budget.lock);
    share_out((int64_t)inuse);
    unlock(&budget.lock);
}

bool cmem__budget_thrashing(struct cmem__share *sh, const struct cmem__trips *t) {
    uint64_t now = cmem__now_fine();
    lock(&budget.lock);
    bool thrashing = now - sh->since < THRASH_NS + t->bytes / THRASH_BYTES;
    if (now - sh->refused < BOOST_REFUSED_NS) thrashing = false;
    uint32_t back = t->misses < t->overflows ? t->misses : t->overflows;
    if (back < THRASH_TRIPS / 8 && boost_of(sh) >= BOOST_ONE_WAY) thrashing = false;
    sh->since = now;
    unlock(&budget.lock);
    return thrashing;
}

/* Takes half of the largest boost but sh's, and returns it. */
static int64_t take_from_largest(const struct cmem__share *sh) {
    struct cmem__share *from = NULL;
    for (struct cmem__share *s = budget.boosted; s != NULL; s = s->next)
        if (from == NULL || boost_of(s) > boost_of(from)) from = s;
    if (from == NULL || from == sh) return 0;
    int64_t half = boost_of(from) / 2;
    set_boost(from, boost_of(from) - half);
    return half;
}

void cmem__budget_boost(struct cmem__share *sh, size_t inuse) {
    uint64_t now = cmem__now_fine();
    lock(&budget.lock);
    share_out((int64_t)inuse > budget.inuse ? (int64_t)inuse : budget.inuse);
    if (sh->kind != CACHE_NONE) {
        int64_t step = share_capacity(sh) / 2;
        if (budget.boosts + step > budget.left) step = take_from_largest(sh);
        if (step == 0) sh->refused = now;
        set_boost(sh, boost_of(sh) + step);
    }
    unlock(&budget.lock);
}

void cmem__budget_end_boost(struct cmem__share *sh) {
    if (!share_boosted(sh)) return;
    lock(&budget.lock);
    set_boost(sh, 0);
    unlock(&budget.lock);
}

int64_t cmem__budget_left(void) {
    lock(&budget.lock);
    int64_t left = budget.left;
    unlock(&budget.lock);
    return left;
}

int64_t cmem__budget_boosts(void) {
    lock(&budget.lock);
    int64_t boosts = budget.boosts;
    unlock(&budget.lock);
    return boosts;
}

void cmem__budget_lock(void) { lock(&budget.lock); }
void cmem__budget_unlock(void) { unlock(&budget.lock); }
