/* test_cache.c: what a thread keeps, how much of it, and what becomes of it when the thread ends. */
#include "helpers.h"

#include "budget.h"
#include "cache.h"
#include "central.h"
#include "meta.h"
#include "sizeclass.h"
#include "span.h"
#include "thread.h"

#include <criterion/criterion.h>
#include <limits.h>

static size_t cached(void) { return stats_now().thread_cache_bytes; }

/* Allocates n blocks of size bytes and frees them all. (Boosted, the cache may serve them with blocks of twice the
 * size.) */
static void churn(size_t size, size_t n) {
    void **p = calloc(n, sizeof *p);
    for (size_t i = 0; i < n; i++) {
        p[i] = cmem_alloc(size);
        cr_assert_not_null(p[i]);
        cr_assert_leq((int64_t)cached(),
                      CAPACITY_THREAD + cmem__budget_boosts() + (int64_t)cmem_usable_size(p[i]));
    }
    for (size_t i = 0; i < n; i++) {
        cmem_free(p[i]);
        cr_assert_leq((int64_t)cached(),
                      CAPACITY_THREAD + cmem__budget_boosts() + 2 * (int64_t)class_size(class_of(size)));
    }
    free(p);
}

/* Runs f in a thread and waits for its end. */
static void in_thread(void *(*f)(void *), void *arg) {
    pthread_t t;
    cr_assert_eq(pthread_create(&t, NULL, f, arg), 0);
    pthread_join(t, NULL);
}

Test(cache, last_block_freed_is_the_next_one) {
    static const size_t sizes[] = {1, 100, 5000, 40000, MIB, 3 * MIB, CMEM_MAX_CLASS_SIZE};
    for (size_t i = 0; i < LEN(sizes); i++) {
        void *a = cmem_alloc(sizes[i]), *b = cmem_alloc(sizes[i]);
        cmem_free(a);
        cmem_free(b);
        cr_assert_eq(cmem_alloc(sizes[i]), b, "%zu bytes", sizes[i]);
        cmem_free(b);
        check_heap();
    }
}

Test(cache, refills_by_the_batch) {
    for (unsigned c = 0; c < NUM_CLASSES; c++) {
        cmem_free(cmem_alloc(1));
        cmem_scavenge(0); /* a boost that so many misses would bring */
        cmem__my_cache->share.trips = NO_TRIPS;
        void *p = cmem_alloc(class_size(c));
        cr_assert_eq(cached(), (class_refill(c) - 1) * class_size(c), "class %u", c);
        cmem_free(p);
        cr_assert_eq(cmem__cache_blocks(c), class_refill(c));
        cmem_scavenge(0);
        cr_assert_eq(cached(), 0);
    }
}

Test(cache, is_bounded_in_bytes_and_in_blocks) {
    churn(16, 5000);
    cr_assert_leq(cmem__cache_blocks(0), class_magazine(0));
    churn(1000, 2000);
    churn(20000, 200);
    churn(300000, 20);
    churn(CMEM_MAX_CLASS_SIZE, 3);
    check_heap();
    for (unsigned c = 0; c < NUM_CLASSES; c++) cr_assert_leq(cmem__cache_blocks(c), class_magazine(c));
}

/* Magazines of all classes together are bounded too, by giving up half of the class that takes up most. */
Test(cache, makes_room_where_most_is) {
    void *large[4], *small[5];
    for (unsigned i = 0; i < 4; i++) large[i] = cmem_alloc(64 * KIB);
    for (unsigned i = 0; i < 5; i++) small[i] = cmem_alloc(4096);
    cmem_scavenge(0);
    for (unsigned i = 0; i < 4; i++) cmem_free(small[i]);
    for (unsigned i = 0; i < 4; i++) cmem_free(large[i]);
    cr_assert_eq(cmem__cache_blocks(class_of(64 * KIB)), 4);
    cmem_free(small[4]);
    cr_assert_eq(cmem__cache_blocks(class_of(64 * KIB)), 2, "the cache was full: two large blocks make room");
    cr_assert_eq(cmem__cache_blocks(class_of(4096)), 5);
    check_heap();
}

/* The last block of a class goes when there are no two of any other, and of those the largest. */
Test(cache, keeps_a_block_of_each_class) {
    static const size_t size[] = {64 * KIB, 56 * KIB, 48 * KIB, 40 * KIB, 36 * KIB};
    void *p[LEN(size)], *four[4];
    for (unsigned i = 0; i < LEN(size); i++) p[i] = cmem_alloc(size[i]);
    for (unsigned i = 0; i < 4; i++) four[i] = cmem_alloc(4 * KIB);
    cmem_scavenge(0);
    for (unsigned i = 0; i < 4; i++) cmem_free(four[i]);
    for (unsigned i = 0; i < LEN(size); i++) cmem_free(p[i]); /* 260 KiB: the cache is full */
    cmem_free(cmem_alloc(100));
    cr_assert_eq(cmem__cache_blocks(class_of(4 * KIB)), 2, "half of the only class with more than one");
    for (unsigned i = 0; i < LEN(size); i++) cr_assert_eq(cmem__cache_blocks(class_of(size[i])), 1);
    check_heap();
}

Test(cache, full_magazine_gives_its_oldest_half) {
    unsigned c = class_of(16), n = class_magazine(c);
    void *p[1024];
    for (unsigned i = 0; i <= n; i++) p[i] = cmem_alloc(16);
    cmem_scavenge(0);
    for (unsigned i = 0; i < n; i++) cmem_free(p[i]);
    cr_assert_eq(cmem__cache_blocks(c), n);
    cmem_free(p[n]);
    cr_assert_eq(cmem__cache_blocks(c), n - (n + 1) / 2 + 1);
    for (unsigned i = 0; i < n / 2; i++)
        cr_assert_eq(cmem_alloc(16), p[n - i], "the youngest stay, in order");
}

Test(cache, scavenge_all_flushes_the_callers_own) {
    churn(100, 100);
    cr_assert_gt(cached(), 0);
    cmem_scavenge(1);
    cr_assert_gt(cached(), 0, "only 0 asks for everything");
    cmem_scavenge(0);
    cr_assert_eq(cached(), 0);
    cr_assert_eq(check_heap().heap_inuse, 0);
}

/* ------------------------------------------------------------------------------------------ a thread's end */

static void *churn_sizes(void *arg) {
    (void)arg;
    churn(16, 100);
    churn(3000, 50);
    churn(200000, 5);
    cr_assert_gt(cached(), 0);
    return NULL;
}

Test(cache, thread_death_leaves_nothing) {
    in_thread(churn_sizes, NULL);
    struct cmem_stats s = check_heap();
    cr_assert_eq(s.thread_cache_bytes, 0);
    cr_assert_eq(s.heap_inuse, 0);
    cr_assert_eq(s.mallocs, 155);
    cr_assert_eq(s.frees, 155);
}

Test(cache, thousand_threads_share_the_caches_of_the_dead) {
    in_thread(churn_sizes, NULL);
    size_t metadata = cmem__meta_bytes();
    for (unsigned i = 0; i < 1000; i++) in_thread(churn_sizes, NULL);
    struct cmem_stats s = check_heap();
    cr_assert_eq(s.thread_cache_bytes, 0);
    cr_assert_eq(s.heap_inuse, 0);
    cr_assert_eq(s.mallocs, 155155);
    cr_assert_eq(s.metadata_sys, metadata, "each thread left metadata behind");
    cr_assert_eq(s.regions, 2);
}

static void *make_blocks(void *arg) {
    void **p = arg;
    for (unsigned i = 0; i < 50; i++) p[i] = cmem_alloc(100);
    return NULL;
}

Test(cache, blocks_outlive_the_thread_that_made_them) {
    void *p[50];
    in_thread(make_blocks, p);
    cr_assert_eq(stats_now().live_blocks, 50);
    for (unsigned i = 0; i < 50; i++) {
        memset(p[i], 1, 100);
        cmem_free(p[i]);
    }
    cmem_scavenge(0);
    cr_assert_eq(check_heap().heap_inuse, 0);
}

/* A destructor that runs after the cache is gone frees and allocates. glibc calls destructors by rising key, and
 * again as long as values are set, four times: the last round is surely later than the cache's last chance. */
static pthread_key_t late_key;
static unsigned late_rounds;

static void use_the_heap_late(void *p) {
    late_rounds++;
    cmem_free(p);
    void *q = cmem_alloc(500);
    cr_assert_not_null(q);
    memset(q, 1, 500);
    q = cmem_realloc(q, 50000);
    cr_assert_not_null(q);
    if (late_rounds < PTHREAD_DESTRUCTOR_ITERATIONS)
        pthread_setspecific(late_key, q);
    else
        cmem_free(q);
}

static void *leave_late(void *arg) {
    (void)arg;
    churn(100, 100);
    pthread_setspecific(late_key, cmem_alloc(5000));
    return NULL;
}

Test(cache, destructors_that_run_later_may_use_the_heap) {
    cr_assert_eq(pthread_key_create(&late_key, use_the_heap_late), 0);
    in_thread(leave_late, NULL);
    cr_assert_eq(late_rounds, PTHREAD_DESTRUCTOR_ITERATIONS);
    struct cmem_stats s = check_heap();
    cr_assert_eq(s.thread_cache_bytes, 0);
    cr_assert_eq(s.live_blocks, 0);
    cr_assert_eq(s.heap_inuse, 0);
    cr_assert_eq(s.mallocs, 101 + 2 * late_rounds);
}

/* --------------------------------------------------------------------------------------------- a Go P's cache */

Test(cache, of_a_p_is_counted_apart) {
    struct cmem__cache *ch = cmem__cache_new(CACHE_P);
    unsigned c = class_of(1000);
    cr_assert_not_null(ch);
    cr_assert_eq(ch->share.room, CAPACITY_P);
    cr_assert(cmem__magazine_init(ch, c));
    struct cmem__magazine *m = &ch->mag[c];
    cr_assert_eq(m->end - m->base, class_magazine(c));
    cr_assert_eq(cmem__central_fetch(c, m->base, 5, NULL), 5);
    m->top = m->base + 5;
    ch->share.room -= 5 * (int64_t)class_size(c);
    m->allocs = 7;
    struct cmem_stats s = check_heap();
    cr_assert_eq(s.magazine_bytes, 5 * class_size(c));
    cr_assert_eq(s.thread_cache_bytes, 0);
    cr_assert_eq(s.mallocs, 7);
    cmem__cache_delete(ch);
    s = stats_now();
    cr_assert_eq(s.magazine_bytes, 0);
    cr_assert_eq(s.heap_inuse, 0);
    cr_assert_eq(s.mallocs, 7, "what a cache counted outlives it");
    cr_assert_eq(cmem__cache_new(CACHE_THREAD), ch, "the spare one is used again");
    cr_assert_eq(ch->share.room, CAPACITY_THREAD);
    cr_assert_eq(ch->mag[c].allocs, 0);
}

/* Its owner is making a magazine while others read the statistics: one of the pointers is there already. */
Test(cache, magazine_in_the_making_counts_as_empty) {
    struct cmem__cache *ch = cmem__cache_new(CACHE_THREAD);
    static struct cmem__entry e[4];
    ch->mag[0].top = e;
    cr_assert_eq(cmem__cache_blocks(0), 0);
    cr_assert_eq(stats_now().thread_cache_bytes, 0);
    ch->mag[0].top = NULL;
    ch->mag[0].base = e;
    cr_assert_eq(cmem__cache_blocks(0), 0);
    cr_assert_eq(stats_now().thread_cache_bytes, 0);
}
