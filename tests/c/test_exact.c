/* test_exact.c: blocks that are no class's: of 256 KiB or more, with no more pages than they need. */
#include "helpers.h"

#include "block.h"
#include "cache.h"
#include "os.h"
#include "pagemap.h"
#include "report.h"
#include "sizeclass.h"
#include "span.h"
#include "uncached.h"

#include <criterion/criterion.h>

#define EXACT_CLASS class_of(EXACT_MIN)

/* 300 KiB are 75 pages; the class has 80. */
#define N (300 * KIB)
#define CLASS (320 * KIB)

static bool is_exact(const void *p) { return tag_get(pagemap_tag((uintptr_t)p)) == TAG_EXACT; }

/* Blocks in caches that are large enough to be exact. */
static size_t cached_large(void) {
    size_t n = 0;
    for (unsigned c = EXACT_CLASS; c < NUM_CLASSES; c++) n += cmem__cache_blocks(c);
    return n;
}

/* Allocates n bytes, checks the block's length, and frees it. */
static void churn(size_t n, size_t usable) {
    void *p = cmem_alloc(n);
    cr_assert_eq(cmem_usable_size(p), usable, "%zu bytes: %zu, not %zu", n, cmem_usable_size(p), usable);
    cr_assert_eq(is_exact(p), usable % PAGE_SIZE == 0 && usable != class_size(class_of(n)));
    cr_assert_eq(cmem_realloc(p, usable), p);
    stamp(p, usable, n);
    check_heap();
    cr_assert(stamped(p, usable, usable, n));
    cmem_free(p);
    check_heap();
}

/* ------------------------------------------------------------------------------------------ which ones are exact */

Test(exact, first_of_its_class) {
    void *p = cmem_alloc(N);
    cr_assert_eq(cmem_usable_size(p), N);
    cr_assert(is_exact(p));
    struct cmem_stats s = check_heap();
    cr_assert_eq(s.heap_inuse, N);
    cr_assert_eq(s.live_bytes, N);
    cr_assert_eq(s.live_blocks, 1);
    cr_assert_eq(s.total_alloc, N);
    cmem_free(p);
    s = check_heap();
    cr_assert_eq(s.heap_inuse, 0, "no magazine has a place for it");
    cr_assert_eq(s.mallocs, 1);
    cr_assert_eq(s.frees, 1);
}

/* A class that is asked for again has blocks in the cache from then on. */
Test(exact, second_is_one_of_the_class) {
    churn(N, N);
    void *p = cmem_alloc(N);
    cr_assert_eq(cmem_usable_size(p), CLASS);
    cmem_free(p);
    cr_assert_eq(cmem__cache_blocks(class_of(N)), 1);
    cr_assert_eq(cmem_alloc(N - 5 * PAGE_SIZE), p, "the class is the same");
    cr_assert_eq(cmem__cache_blocks(class_of(N)), 0);
    cmem_free(p);
    check_heap();
}

/* A class that has too much to spare is never used, but for requests that it fits. */
Test(exact, never_of_a_class_that_is_much_longer) {
    size_t size = 5 * MIB, fits = size - EXACT_SPARE, below = fits - PAGE_SIZE;
    cr_assert_eq(class_size(class_of(below)), size);
    for (unsigned i = 0; i < 5; i++) churn(below, below);
    cr_assert_eq(cached_large(), 0);
    churn(fits, size); /* its class was asked for, though a block of it would not do */
    churn(below, size);
    cr_assert_eq(cached_large(), 1, "it served a smaller request, as it was there");
    check_heap();
}

/* Has the cache forget class c: two misses of others. */
static void forget(unsigned c) {
    for (unsigned i = 1; i <= 2; i++) {
        size_t other = class_size(c > EXACT_CLASS + 1 ? c - i : c + i);
        churn(other, other);
        cmem_scavenge(0);
    }
}

/* A page less than the class has is enough of a difference, in each class from EXACT_MIN on. */
Test(exact, one_page_less) {
    for (unsigned c = EXACT_CLASS + 1; c < NUM_CLASSES; c++) {
        size_t size = class_size(c);
        forget(c);
        churn(size - PAGE_SIZE, size - PAGE_SIZE);
        forget(c);
        churn(size, size);
        cmem_scavenge(0);
        churn(size - PAGE_SIZE + 1, size);
        cmem_scavenge(0);
        size_t least = class_size(c - 1) + 1, pages = class_size(c - 1) + PAGE_SIZE;
        churn(least, size - pages > EXACT_SPARE ? pages : size); /* the second one */
        cmem_scavenge(0);
    }
}

Test(exact, none_below_the_least) {
    size_t below = class_size(EXACT_CLASS - 1);
    cr_assert_lt(below + PAGE_SIZE, EXACT_MIN);
    churn(below + 1, EXACT_MIN);
    cmem_scavenge(0);
    churn(EXACT_MIN - 2 * PAGE_SIZE, EXACT_MIN);
    cmem_scavenge(0);
    churn(EXACT_MIN, EXACT_MIN);
}

/* The cache remembers the last two classes that it had no block of. */
Test(exact, two_sizes_in_turn) {
    for (unsigned i = 0; i < 6; i++) {
        churn(N, i == 0 ? N : CLASS);
        churn(500 * KIB, i == 0 ? 500 * KIB : 512 * KIB);
    }
}

Test(exact, three_sizes_in_turn) {
    for (unsigned i = 0; i < 6; i++) {
        churn(N, N);
        churn(500 * KIB, 500 * KIB);
        churn(700 * KIB, 700 * KIB);
    }
}

/* Blocks that the cache had are no misses. */
Test(exact, only_misses_count) {
    churn(N, N);
    churn(N, CLASS);
    for (unsigned i = 0; i < 5; i++) churn(N, CLASS);
    churn(500 * KIB, 500 * KIB);
    churn(N, CLASS);
    for (unsigned i = 0; i < 5; i++) churn(N, CLASS);
    churn(500 * KIB, 512 * KIB);
}

/* Those that fill their class ask for it as others do. */
Test(exact, full_blocks_count) {
    churn(CLASS, CLASS);
    cmem_scavenge(0);
    churn(N, CLASS);
    cmem_scavenge(0);
    churn(512 * KIB, 512 * KIB);
    cmem_scavenge(0);
    churn(MIB, MIB);
    cmem_scavenge(0);
    churn(N, N);
}

static void *first_of_the_thread(void *arg) {
    churn(N, N);
    return arg;
}

Test(exact, each_thread_for_itself) {
    pthread_t t;
    churn(N, N);
    churn(N, CLASS);
    cr_assert_eq(pthread_create(&t, NULL, first_of_the_thread, NULL), 0);
    pthread_join(t, NULL);
    check_heap();
    cr_assert_eq(pthread_create(&t, NULL, first_of_the_thread, NULL), 0);
    pthread_join(t, NULL); /* it had the cache of the one before */
    check_heap();
}

/* ------------------------------------------------------------------------------------------- every way to have one */

static bool all_zero(const unsigned char *p, size_t n) { return p[0] == 0 && memcmp(p, p + 1, n - 1) == 0; }

Test(exact, calloc_zeroes_memory_that_was_used) {
    void *p = cmem_alloc(N);
    memset(p, 0xFF, N);
    cmem_free(p);
    unsigned char *q = cmem_calloc(1, 270 * KIB);
    cr_assert_eq(q, p);
    cr_assert_eq(cmem_usable_size(q), 272 * KIB);
    cr_assert(is_exact(q));
    cr_assert(all_zero(q, 270 * KIB));
    memset(q, 0xFF, 270 * KIB);
    cmem_free(q);
    q = cmem_calloc(3, 100 * KIB); /* the second of its class */
    cr_assert_eq(cmem_usable_size(q), CLASS);
    cr_assert(all_zero(q, 300 * KIB));
    cmem_free(q);
    check_heap();
}

/* Without a cache there is nothing to remember. */
Test(exact, calloc_uncached) {
    for (unsigned i = 0; i < 3; i++) {
        unsigned char *p = cmem__calloc_uncached(N);
        cr_assert_eq(cmem_usable_size(p), N);
        cr_assert(all_zero(p, N));
        memset(p, 0xFF, N);
        cr_assert(cmem__free_uncached((uintptr_t)p));
        cr_assert_not(cmem__free_uncached((uintptr_t)p));
        check_heap();
    }
    churn(N, N);
}

Test(exact, aligned_alloc) {
    void *p = cmem_aligned_alloc(PAGE_SIZE, N), *q = cmem_aligned_alloc(64 * KIB, N);
    cr_assert_eq(cmem_usable_size(p), N);
    cr_assert_eq(cmem_usable_size(q), CLASS, "at more than a page, blocks are of classes");
    cr_assert_eq((uintptr_t)p % PAGE_SIZE, 0);
    cr_assert_eq((uintptr_t)q % (64 * KIB), 0);
    cmem_free(p);
    cmem_free(q);
    check_heap();
}

/* A batch is of one class. */
Test(exact, alloc_batch) {
    void *p[3];
    cr_assert_eq(cmem_alloc_batch(N, p, 3), 3);
    for (unsigned i = 0; i < 3; i++) cr_assert_eq(cmem_usable_size(p[i]), CLASS);
    cmem_free_batch(p, 3);
    check_heap();
}

Test(exact, free_batch) {
    void *p[7] = {cmem_alloc(N), cmem_alloc(N), NULL, cmem_alloc(500 * KIB), cmem_alloc(N), cmem_alloc(100)};
    p[6] = cmem_alloc(500 * KIB);
    cr_assert(is_exact(p[0]) && !is_exact(p[1]) && is_exact(p[3]) && !is_exact(p[4]) && !is_exact(p[6]));
    cr_assert_eq(check_heap().live_blocks, 6);
    cmem_free_batch(p, LEN(p));
    cr_assert_eq(check_heap().live_blocks, 0);
    cmem_scavenge(0);
    cr_assert_eq(check_heap().heap_inuse, 0);
}

/* ----------------------------------------------------------------------------------------------------- realloc */

static void assert_block(void *p, size_t keep, size_t had, uint64_t key, size_t usable) {
    cr_assert_eq(cmem_usable_size(p), usable);
    cr_assert(stamped(p, keep, had, key));
    struct cmem_stats s = check_heap();
    cr_assert_eq(s.live_blocks, 1);
    cr_assert_eq(s.live_bytes, usable);
}

Test(exact, realloc_in_place) {
    void *p = cmem_alloc(N - 100);
    stamp(p, N / 2, 1);
    cr_assert_eq(cmem_realloc(p, N), p);
    cr_assert_eq(cmem_realloc(p, N / 2), p);
    assert_block(p, N / 2, N / 2, 1, N);
    cmem_free(p);
}

Test(exact, realloc_into_the_class_a_huge_one_and_back) {
    void *p = cmem_alloc(N), *q;
    stamp(p, N, 1);
    q = cmem_realloc(p, N + 1); /* the second of its class */
    cr_assert_neq(q, p);
    assert_block(q, N, N, 1, CLASS);
    q = cmem_realloc(q, 17 * MIB);
    assert_block(q, N, N, 1, 17 * MIB);
    cr_assert_eq(cmem_realloc(q, N), q);
    assert_block(q, N, N, 1, CLASS); /* what is trimmed becomes one of the class */
    cr_assert_not(is_exact(q));
    p = cmem_realloc(q, MIB + 5);
    assert_block(p, N, N, 1, MIB + PAGE_SIZE);
    cr_assert(is_exact(p));
    cr_assert_eq(cmem_realloc(p, N), p);
    assert_block(p, N, N, 1, CLASS);
    p = cmem_realloc(p, 100);
    assert_block(p, 100, N, 1, 112);
    cmem_free(p);
    cmem_scavenge(0);
    cr_assert_eq(check_heap().heap_inuse, 0);
}

Test(exact, realloc_trims) {
    static const size_t steps[][2] = {
        {MIB + 5, N}, {1200 * KIB, 32 * KIB}, {15 * MIB + 5, 2 * MIB}, {600 * KIB, 256 * KIB}};
    for (size_t i = 0; i < LEN(steps); i++) {
        size_t old = steps[i][0], new = steps[i][1], want = class_size(class_of(new));
        void *p = cmem_alloc(old);
        cr_assert(is_exact(p));
        stamp(p, new, i);
        cr_assert_eq(cmem_realloc(p, new), p);
        assert_block(p, new, new, i, want);
        cr_assert_eq(stats_now().heap_inuse, want, "the tail did not go back");
        cmem_free(p);
        cmem_scavenge(0);
        struct cmem_stats s = check_heap();
        cr_assert_eq(s.heap_inuse, 0);
        cr_assert_eq(s.mallocs, i + 1);
        cr_assert_eq(s.frees, i + 1);
    }
}

Test(exact, realloc_from_any_size_to_any_other) {
    static const size_t sizes[] = {100,     40000,   255 * KIB,   256 * KIB,       N,        CLASS,
                                   MIB + 5, 3 * MIB, 5 * MIB + 1, 16 * MIB - 8192, 16 * MIB, 17 * MIB};
    for (size_t i = 0; i < LEN(sizes); i++) {
        for (size_t j = 0; j < LEN(sizes); j++) {
            size_t keep = sizes[i] < sizes[j] ? sizes[i] : sizes[j];
            void *p = cmem_alloc(sizes[i]);
            stamp(p, sizes[i], i);
            p = cmem_realloc(p, sizes[j]);
            cr_assert_geq(cmem_usable_size(p), sizes[j]);
            cr_assert(stamped(p, keep, sizes[i], i), "%zu to %zu bytes", sizes[i], sizes[j]);
            stamp(p, sizes[j], j);
            cr_assert_eq(check_heap().live_blocks, 1);
            cmem_free(p);
        }
    }
    cmem_scavenge(0);
    cr_assert_eq(check_heap().heap_inuse, 0);
}

/* --------------------------------------------------------------------------------------------- attach, reports */

Test(exact, attach) {
    for (unsigned i = 0; i < 2; i++) {
        void *p = cmem_alloc(i == 0 ? N : 700 * KIB);
        uintptr_t a = (uintptr_t)p;
        size_t usable = cmem_usable_size(p);
        cr_assert(is_exact(p));
        cr_assert(cmem__attach(a));
        cr_assert(cmem__is_attached(a));
        cr_assert_not(cmem__attach(a), "attached twice");
        cr_assert_eq(cmem_usable_size(p), usable);
        cr_assert_eq(cmem_realloc(p, 100 * KIB), p, "an attached block stays as long as it is");
        cr_assert_eq(cmem_usable_size(p), usable);
        cr_assert_eq(cmem__locate(a).where, WHERE_LIVE);
        if (i == 0)
            cmem_free(p);
        else
            cmem_free_batch(&p, 1);
        cr_assert_not(cmem__attach(a), "a free block was attached");
        struct cmem_stats s = check_heap();
        cr_assert_eq(s.live_blocks, 0);
        cr_assert_eq(s.heap_inuse, 0);
    }
}

Test(exact, place) {
    uintptr_t p = (uintptr_t)cmem_alloc(N), inside[] = {1, PAGE_SIZE, N / 2, N - PAGE_SIZE, N - 1};
    struct cmem__place at = cmem__locate(p);
    cr_assert(at.where == WHERE_LIVE && at.block == p && at.size == N);
    for (size_t i = 0; i < LEN(inside); i++) {
        at = cmem__locate(p + inside[i]);
        cr_assert(at.where == WHERE_INTERIOR_LIVE && at.block == p && at.size == N, "byte %zu", inside[i]);
        cr_assert_not(cmem__free_uncached(p + inside[i]));
    }
    cmem_free((void *)p);
    cr_assert_eq(cmem__locate(p).where, WHERE_NO_BLOCK);
    cr_assert_eq(cmem__locate(p + N - 1).where, WHERE_NO_BLOCK);
}

/* ----------------------------------------------------------------------------------------- what a miss gives back */

Test(exact, miss_gives_back_the_large_blocks_of_the_cache) {
    static const size_t had[] = {EXACT_MIN, CLASS, CMEM_MAX_CLASS_SIZE};
    static const size_t next[] = {MIB, 600 * KIB, 512 * KIB, 2 * MIB + 1};
    for (size_t i = 0; i < LEN(had) * LEN(next); i++) {
        cmem_free(cmem_alloc(100));
        cmem_free(cmem_alloc(40 * KIB));
        cmem_free(cmem_alloc(had[i % LEN(had)]));
        cr_assert_eq(cached_large(), 1);
        size_t small = cmem__cache_blocks(class_of(100)), mid = cmem__cache_blocks(class_of(40 * KIB));
        cr_assert_gt(small, 0);
        void *p = cmem_alloc(next[i % LEN(next)]);
        cr_assert_eq(cached_large(), 0, "%zu bytes left one of %zu", next[i % LEN(next)], had[i % LEN(had)]);
        cr_assert_eq(cmem__cache_blocks(class_of(100)), small);
        cr_assert_eq(cmem__cache_blocks(class_of(40 * KIB)), mid);
        cmem_free(p);
        cmem_scavenge(0);
        check_heap();
    }
}

Test(exact, other_misses_leave_them) {
    cmem_free(cmem_alloc(CLASS));
    cmem_free(cmem_alloc(CLASS)); /* the cache had it */
    cr_assert_eq(cached_large(), 1);
    void *p = cmem_alloc(240 * KIB), *q = cmem_alloc(EXACT_MIN - PAGE_SIZE - 1);
    cr_assert_eq(cached_large(), 1);
    cmem_free(p);
    cmem_free(q);
    check_heap();
}

/* A block of one class is made of what blocks of others were. */
Test(exact, one_block_out_of_others) {
    void *p = cmem_alloc(512 * KIB), *q = cmem_alloc(512 * KIB);
    cr_assert_eq(stats_now().heap_sys, REGION_FIRST);
    cmem_free(p);
    cmem_free(q);
    cr_assert_gt(cached_large(), 0);
    p = cmem_alloc(MIB);
    cr_assert_eq(stats_now().heap_sys, REGION_FIRST, "the heap grew for what lay in the cache");
    cmem_free(p);
    check_heap();
}
