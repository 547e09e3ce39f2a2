/* test_budget.c: how many bytes each cache may hold, and which caches get more. */
#include "helpers.h"

#include "budget.h"
#include "cache.h"
#include "os.h"

#include <criterion/criterion.h>

static struct cmem__share *share_new(void) {
    struct cmem__cache *ch = cmem__cache_new(CACHE_P);
    cr_assert_not_null(ch);
    return &ch->share;
}

Test(budget, many_caches_get_less_each_and_a_large_heap_gives_more) {
    enum { N = 64 };
    struct cmem__cache *ch[N];
    for (unsigned i = 0; i < N; i++) ch[i] = cmem__cache_new(CACHE_P);
    cr_assert_eq(ch[0]->share.capacity, CAPACITY_P);
    cr_assert_eq(ch[N - 1]->share.capacity, BUDGET_MIN / 2 / N);
    share_adopt(&ch[0]->share);
    cr_assert_eq(ch[0]->share.capacity, BUDGET_MIN / 2 / N);
    cr_assert_eq(ch[0]->share.room, ch[0]->share.capacity);
    cmem__budget_peak(4096 * MIB);
    share_adopt(&ch[0]->share);
    cr_assert_eq(ch[0]->share.capacity, CAPACITY_P, "an eighth of 4 GiB is 8 MiB for each");
    cmem__budget_peak(0);
    for (unsigned i = 1; i < N; i++) cmem__cache_delete(ch[i]);
    share_adopt(&ch[0]->share);
    cr_assert_eq(ch[0]->share.capacity, CAPACITY_P);
    cmem__cache_delete(ch[0]);
}

/* ---------------------------------------------------------------------------------------------------- boosts */

Test(budget, boosts_are_bounded) {
    struct cmem__share *a = share_new();
    int64_t last = 0;
    for (unsigned i = 0; i < 100; i++) {
        cmem__budget_boost(a, 256 * MIB);
        cr_assert(a->boost >= last);
        last = a->boost;
    }
    cr_assert_eq(cmem__budget_boosts(), last);
    cr_assert_leq(last, cmem__budget_left());
    cr_assert_gt(last, cmem__budget_left() / 2);
    cr_assert_eq(cmem__budget_left(), (int64_t)(64 * MIB) - CAPACITY_P,
                 "a quarter, less what the one cache has anyway");
    share_adopt(a);
    cr_assert_eq(a->capacity, CAPACITY_P + last);
    cr_assert_eq(a->exact, (uint64_t)a->capacity / 4);
}

Test(budget, grows_by_half_of_the_capacity) {
    struct cmem__share *a = share_new();
    for (int64_t capacity = CAPACITY_P; capacity < (int64_t)(16 * MIB); capacity += capacity / 2) {
        share_adopt(a);
        cr_assert_eq(a->capacity, capacity);
        cmem__budget_boost(a, 256 * MIB);
    }
}

Test(budget, boosts_shrink_alike_with_the_budget) {
    struct cmem__share *a = share_new(), *b = share_new();
    for (unsigned i = 0; i < 4; i++) cmem__budget_boost(a, 256 * MIB);
    for (unsigned i = 0; i < 6; i++) cmem__budget_boost(b, 256 * MIB);
    double ratio = (double)a->boost / (double)b->boost;
    cmem__budget_peak(256 * MIB);
    double same = (double)a->boost / (double)b->boost;
    cr_assert_eq(ratio, same, "within the budget nothing changes");
    cmem__budget_peak(32 * MIB);
    cr_assert_leq(cmem__budget_boosts(), cmem__budget_left());
    cr_assert_gt(cmem__budget_boosts(), cmem__budget_left() * 9 / 10);
    cr_assert_eq(cmem__budget_boosts(), a->boost + b->boost);
    same = (double)a->boost / (double)b->boost;
    cr_assert(same > ratio * 0.99 && same < ratio * 1.01, "%g, not %g", same, ratio);
}

Test(budget, takes_half_of_the_largest_boost_where_all_is_given_away) {
    struct cmem__share *a = share_new(), *b = share_new();
    for (unsigned i = 0; i < 100; i++) cmem__budget_boost(a, 64 * MIB);
    int64_t most = a->boost;
    cmem__budget_boost(b, 64 * MIB);
    while (b->boost * 2 < most && b->refused == 0) cmem__budget_boost(b, 64 * MIB);
    cr_assert_leq(a->boost + b->boost, cmem__budget_left());
    cr_assert(a->boost >= most / 4 && b->boost >= most / 4, "%lld and %lld", (long long)a->boost,
              (long long)b->boost);
}

Test(budget, ends_with_the_cache) {
    struct cmem__cache *ch = cmem__cache_new(CACHE_P);
    cmem__budget_boost(&ch->share, 256 * MIB);
    cr_assert_eq(cmem__budget_boosts(), CAPACITY_P / 2);
    cmem__cache_flush(ch);
    cr_assert_eq(cmem__budget_boosts(), 0);
    cr_assert_eq(ch->share.capacity, CAPACITY_P, "it is drained, and holds as much as any other");
    cr_assert_eq(ch->share.room, CAPACITY_P);
    cmem__budget_boost(&ch->share, 256 * MIB);
    cmem__cache_delete(ch);
    cr_assert_eq(cmem__budget_boosts(), 0);
    cmem__budget_boost(&ch->share, 256 * MIB);
    cr_assert_eq(cmem__budget_boosts(), 0, "its owner's trip was under way when it was deleted");
    cr_assert_eq(cmem__cache_new(CACHE_P), ch, "the spare one is used again");
    cr_assert_eq(ch->share.capacity, CAPACITY_P);
    cr_assert_eq(ch->share.exact, EXACT_MIN);
}

/* --------------------------------------------------------------------------------------------- who gets them */

/* Whether a cache thrashes that has made so many trips since it was judged ns ago. */
static bool thrashing(struct cmem__share *sh, uint32_t misses, uint32_t overflows, uint64_t bytes,
                      uint64_t ns) {
    struct cmem__trips t = {misses, overflows, bytes};
    for (unsigned i = 0; i < 100;
         i++) { /* a pause of the machine's own makes a busy cache look quiet: again */
        sh->since = cmem__now_fine() - ns;
        if (cmem__budget_thrashing(sh, &t)) return true;
    }
    return false;
}

Test(budget, many_trips_in_little_time_are_thrashing) {
    struct cmem__share *a = share_new();
    cr_assert(thrashing(a, 16, 16, 0, 0));
    cr_assert(thrashing(a, 32, 0, 0, 0), "one way is enough for a small boost");
    cr_assert_not(thrashing(a, 16, 16, 0, THRASH_NS));
    cr_assert_not(thrashing(a, 16, 16, 0, 400000), "the clock has ticks of milliseconds");
    cr_assert(thrashing(a, 16, 16, 1000000 * (uint64_t)THRASH_BYTES, THRASH_NS),
              "they may have been faulted in");
    cr_assert_not(thrashing(a, 16, 16, 1000000 * (uint64_t)THRASH_BYTES, 1000000 + THRASH_NS));
}

Test(budget, one_way_gets_little) {
    struct cmem__share *a = share_new();
    while (a->boost < BOOST_ONE_WAY) cmem__budget_boost(a, 1024 * MIB);
    cr_assert_not(thrashing(a, 32, THRASH_TRIPS / 8 - 1, 0, 0));
    cr_assert_not(thrashing(a, 0, 32, 0, 0));
    cr_assert(thrashing(a, 32, THRASH_TRIPS / 8, 0, 0));
}

Test(budget, refused_ones_wait) {
    struct cmem__share *a = share_new();
    cr_assert_eq(a->refused, 0);
    for (unsigned i = 0; i < 100; i++) cmem__budget_boost(a, 64 * MIB);
    cr_assert_neq(a->refused, 0, "a hundred boosts, and none was refused");
    a->refused = cmem__now_fine();
    a->since = cmem__now_fine();
    struct cmem__trips t = {16, 16, 0};
    cr_assert_not(cmem__budget_thrashing(a, &t));
    a->refused = cmem__now_fine() - BOOST_REFUSED_NS;
    cr_assert(thrashing(a, 16, 16, 0, 0));
}

/* A C thread that thrashes is boosted, and borrows. */
Test(budget, thread_that_thrashes) {
    void *inuse = cmem_alloc(256 * MIB), *p;
    unsigned rounds = 0;
    while (cmem__budget_boosts() == 0) {
        cr_assert_lt(rounds++, 10000u, "no boost");
        for (size_t n = 300 * KIB; n <= 700 * KIB; n += 200 * KIB) cmem_free(cmem_alloc(n));
    }
    cmem_free(p = cmem_alloc(100 * KIB));
    cr_assert_eq(cmem_alloc(60 * KIB), p, "a block of up to a doubling");
    cr_assert_eq(cmem_usable_size(p), class_size(class_of(100 * KIB)));
    cmem_free(p);
    cmem_scavenge(0);
    cr_assert_eq(cmem__budget_boosts(), 0);
    cmem_free(inuse);
    check_heap();
}
