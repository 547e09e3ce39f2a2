/* test_cmem.c: the public functions, as cmem.h promises them. */
#include "helpers.h"

#include "block.h"
#include "report.h"
#include "sizeclass.h"
#include "uncached.h"

#include <criterion/criterion.h>

/* The compiler must not know sizes that are impossible on purpose. */
static size_t hidden(size_t n) {
    volatile size_t v = n;
    return v;
}

static const size_t sizes[] = {0,        1,           15,   16,           17,           128,
                               129,      1000,        4096, 30 * KIB,     30 * KIB + 1, 32 * KIB,
                               64 * KIB, 100000,      MIB,  16 * MIB - 1, 16 * MIB,     16 * MIB + 1,
                               17 * MIB, 33 * MIB + 5};

static bool all_zero(const unsigned char *p, size_t n) {
    return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

/* -------------------------------------------------------------------------------------------- alloc and free */

Test(cmem, alloc_gives_aligned_blocks_that_hold_what_was_asked_for) {
    void *p[LEN(sizes)];
    for (size_t i = 0; i < LEN(sizes); i++) {
        p[i] = cmem_alloc(sizes[i]);
        cr_assert_not_null(p[i]);
        cr_assert_eq((uintptr_t)p[i] % 16, 0);
        cr_assert_geq(cmem_usable_size(p[i]), sizes[i]);
        cr_assert_eq(cmem_realloc(p[i], cmem_usable_size(p[i])), p[i]);
        stamp(p[i], cmem_usable_size(p[i]), i);
    }
    check_heap();
    for (size_t i = 0; i < LEN(sizes); i++) {
        size_t n = cmem_usable_size(p[i]);
        cr_assert(stamped(p[i], n, n, i));
        cmem_free(p[i]);
    }
    cmem_scavenge(0);
    cr_assert_eq(check_heap().live_blocks, 0);
}

Test(cmem, alloc_of_nothing_is_a_block_of_its_own) {
    void *a = cmem_alloc(0), *b = cmem_alloc(0);
    cr_assert(a != NULL && b != NULL && a != b);
    cr_assert_eq(cmem_usable_size(a), 16);
    cmem_free(a);
    cmem_free(b);
}

Test(cmem, usable_size) {
    cr_assert_eq(cmem_usable_size(NULL), 0);
    static const size_t want[][2] = {{1, 16},
                                     {17, 32},
                                     {100, 112},
                                     {257, 288},
                                     {30 * KIB, 30 * KIB},
                                     {100000, 106496},
                                     {16 * MIB, 16 * MIB},
                                     {16 * MIB + 1, 16 * MIB + 4096}};
    for (size_t i = 0; i < LEN(want); i++) {
        void *p = cmem_alloc(want[i][0]);
        cr_assert_eq(cmem_usable_size(p), want[i][1], "%zu bytes", want[i][0]);
        cmem_free(p);
    }
}

Test(cmem, impossible_sizes_are_enomem) {
    static const size_t impossible[] = {(size_t)PTRDIFF_MAX - 4095,
                                        PTRDIFF_MAX,
                                        (size_t)PTRDIFF_MAX + 1,
                                        SIZE_MAX - 4096,
                                        SIZE_MAX - 1,
                                        SIZE_MAX,
                                        (size_t)1 << 48};
    char *old = cmem_alloc(100);
    stamp(old, 100, 1);
    for (size_t i = 0; i < LEN(impossible); i++) {
        size_t n = hidden(impossible[i]);
        void *out[2];
#define ENOMEM_FROM(call)                                                       \
    do {                                                                        \
        errno = 0;                                                              \
        cr_assert(!(call), "%s with %#zx", #call, n);                           \
        cr_assert_eq(errno, ENOMEM, "%s with %#zx: errno %d", #call, n, errno); \
    } while (0)
        ENOMEM_FROM(cmem_alloc(n));
        ENOMEM_FROM(cmem_calloc(1, n));
        ENOMEM_FROM(cmem_calloc(n, 1));
        ENOMEM_FROM(cmem_realloc(old, n));
        ENOMEM_FROM(cmem_realloc(NULL, n));
        ENOMEM_FROM(cmem_reallocarray(old, n, 1));
        ENOMEM_FROM(cmem_reallocarray(old, 1, n));
        ENOMEM_FROM(cmem_reallocarray(NULL, 1, n));
        ENOMEM_FROM(cmem_aligned_alloc(64, n));
        ENOMEM_FROM(cmem_aligned_alloc(64 * KIB, n));
        ENOMEM_FROM(cmem_alloc_batch(n, out, 2));
    }
    size_t n = hidden((size_t)1 << 32);
    ENOMEM_FROM(cmem_calloc(n, n));
    ENOMEM_FROM(cmem_calloc(n + 1, n));
    ENOMEM_FROM(cmem_calloc(hidden(SIZE_MAX / 2 + 1), 2));
    ENOMEM_FROM(cmem_calloc(n / 2, n));
    ENOMEM_FROM(cmem_reallocarray(old, n, n));
    ENOMEM_FROM(cmem_reallocarray(old, n + 1, n));
    ENOMEM_FROM(cmem_reallocarray(old, hidden(SIZE_MAX / 2 + 1), 2));
    ENOMEM_FROM(cmem_reallocarray(old, 2, hidden(SIZE_MAX / 2 + 1)));
    ENOMEM_FROM(cmem_reallocarray(NULL, hidden(SIZE_MAX), hidden(SIZE_MAX)));
    ENOMEM_FROM(cmem_aligned_alloc((size_t)1 << 63, 1));
    cr_assert(stamped(old, 100, 100, 1), "a realloc that failed changed the block");
    cmem_free(old);
    cr_assert_eq(check_heap().live_blocks, 0);
}

Test(cmem, free_keeps_errno) {
    /* Through every path: cache, full magazine, full cache, huge, NULL. */
    static void *p[200];
    for (size_t k = 0; k < LEN(sizes); k++) {
        size_t n = sizes[k] > MIB ? 3 : LEN(p);
        for (size_t i = 0; i < n; i++) p[i] = cmem_alloc(sizes[k]);
        for (size_t i = 0; i < n; i++) {
            errno = 12345;
            cmem_free(p[i]);
            cr_assert_eq(errno, 12345);
        }
    }
    cmem_free(NULL);
    cmem_free_batch(p, 0);
    cr_assert_eq(cmem_scavenge(UINT64_MAX), 0);
    cmem_scavenge(0);
    cr_assert_eq(errno, 12345);
}

/* ------------------------------------------------------------------------------------------------------ calloc */

Test(cmem, calloc_zeroes_memory_that_was_used) {
    for (size_t k = 0; k < LEN(sizes); k++) {
        void *p = cmem_alloc(sizes[k]);
        memset(p, 0xFF, sizes[k]);
        cmem_free(p);
        unsigned char *q = cmem_calloc(sizes[k], 1);
        if (sizes[k] <= 16 * MIB) cr_assert_eq(q, p, "%zu bytes did not come from the cache", sizes[k]);
        cr_assert(all_zero(q, sizes[k]), "%zu bytes", sizes[k]);
        memset(q, 0xFF, sizes[k]);
        cmem_free(q);
        cmem_scavenge(0);
        q = cmem_calloc(1, sizes[k]);
        cr_assert(all_zero(q, sizes[k]), "%zu bytes after scavenging", sizes[k]);
        cmem_free(q);
    }
    check_heap();
}

/* A freed span in the page heap, not in a cache. */
Test(cmem, calloc_zeroes_what_the_page_heap_has_back) {
    void *p = cmem_alloc(20 * MIB);
    memset(p, 0xFF, 20 * MIB);
    cmem_free(p);
    unsigned char *q = cmem_calloc(20, MIB);
    cr_assert_eq(q, p);
    cr_assert(all_zero(q, 20 * MIB));
    cmem_free(q);
    q = cmem_calloc(3, MIB);
    cr_assert(all_zero(q, 3 * MIB));
    cmem_free(q);
}

/* The debug build reads the pages to verify them, which maps the system's zero page: not resident memory. */
Test(cmem, calloc_of_nothing) {
    unsigned char *p = cmem_calloc(0, 10), *q = cmem_calloc(10, 0);
    cr_assert(p != NULL && q != NULL && p != q);
    cmem_free(p);
    cmem_free(q);
}

/* ----------------------------------------------------------------------------------------------------- realloc */

Test(cmem, realloc_keeps_the_contents_from_any_size_to_any_other) {
    for (size_t i = 0; i < LEN(sizes); i++) {
        for (size_t j = 0; j < LEN(sizes); j++) {
            size_t old = sizes[i], new = sizes[j], keep = old < new ? old : new;
            unsigned char *p = cmem_alloc(old);
            stamp_bytes(p, 0, old, i);
            p = cmem_realloc(p, new);
            cr_assert_not_null(p);
            cr_assert_geq(cmem_usable_size(p), new);
            cr_assert(stamped_bytes(p, 0, keep, i), "%zu to %zu bytes", old, new);
            stamp_bytes(p, 0, new, j);
            cr_assert_eq(stats_now().live_blocks, 1);
            cmem_free(p);
        }
        check_heap();
    }
    cmem_scavenge(0);
    cr_assert_eq(check_heap().heap_inuse, 0);
}

Test(cmem, realloc_of_null_and_to_nothing) {
    void *p = cmem_realloc(NULL, 1000);
    cr_assert_geq(cmem_usable_size(p), 1000);
    p = cmem_realloc(p, 0);
    cr_assert_not_null(p);
    p = cmem_realloc(p, 300 * KIB);
    p = cmem_realloc(p, 0);
    cr_assert_not_null(p);
    cr_assert_eq(cmem_usable_size(p), 16, "a large block was kept for nothing");
    cr_assert_eq(stats_now().live_blocks, 1);
    cmem_free(p);
}

Test(cmem, realloc_stays_in_place_while_the_block_is_big_enough) {
    void *p = cmem_alloc(100);
    cr_assert_eq(cmem_realloc(p, 112), p);
    cr_assert_eq(cmem_realloc(p, 1), p);
    cmem_free(p);
    p = cmem_alloc(MIB);
    cr_assert_eq(cmem_realloc(p, 600 * KIB), p);
    cr_assert_eq(cmem_usable_size(p), MIB, "more than half is used: nothing is cut off");
    cmem_free(p);
}

/* What lies beyond the request is for whoever asks for it, in blocks of every kind. */
Test(cmem, realloc_to_the_usable_size_stays_in_place) {
    for (unsigned kind = 0; kind < 4; kind++) {
        for (size_t i = 0; i < LEN(sizes); i++) {
            void *p = kind == 0   ? cmem_alloc(sizes[i])
                      : kind == 1 ? cmem_calloc(1, sizes[i])
                      : kind == 2 ? cmem_aligned_alloc(64 * KIB, sizes[i])
                                  : cmem_realloc(cmem_alloc(2 * sizes[i] + 1), sizes[i]);
            size_t n = cmem_usable_size(p);
            if (i % 2 == 1) cr_assert(cmem__attach((uintptr_t)p));
            cr_assert_eq(cmem_realloc(p, n), p, "kind %u, %zu bytes of %zu", kind, sizes[i], n);
            cr_assert_eq(cmem_usable_size(p), n);
            stamp(p, n, i);
            check_heap();
            cr_assert(stamped(p, n, n, i));
            cmem_free(p);
        }
    }
}

/* From half of it on the tail of a large or exact block goes back. */
Test(cmem, realloc_trims) {
    static const size_t steps[][2] = {{40 * MIB, 18 * MIB}, {40 * MIB, 5 * MIB}, {40 * MIB, 32 * KIB},
                                      {16 * MIB, 7 * MIB},  {MIB, 100000},       {80 * KIB, 33 * KIB},
                                      {17 * MIB, 8 * MIB}};
    for (size_t i = 0; i < LEN(steps); i++) {
        size_t old = steps[i][0], new = steps[i][1];
        size_t want = new > CMEM_MAX_CLASS_SIZE ? new : class_size(class_of(new));
        void *p = cmem_alloc(old);
        stamp(p, new, i);
        cr_assert_eq(cmem_realloc(p, new), p, "%zu to %zu bytes moved", old, new);
        cr_assert_eq(cmem_usable_size(p), want);
        cr_assert(stamped(p, new, new, i));
        struct cmem_stats s = check_heap();
        cr_assert_eq(s.live_bytes, want);
        cr_assert_eq(s.live_blocks, 1);
        cr_assert_eq(s.heap_inuse, want, "the tail did not go back");
        cmem_free(p);
        cmem_scavenge(0);
        s = check_heap();
        cr_assert_eq(s.heap_inuse, 0);
        cr_assert_eq(s.mallocs, i + 1);
        cr_assert_eq(s.frees, i + 1);
    }
}

Test(cmem, realloc_moves_a_large_block_into_a_small_one) {
    void *p = cmem_alloc(MIB);
    stamp(p, 1000, 3);
    p = cmem_realloc(p, 1000);
    cr_assert_eq(cmem_usable_size(p), class_size(class_of(1000)));
    cr_assert(stamped(p, 1000, 1000, 3));
    cmem_free(p);
    check_heap();
}

Test(cmem, reallocarray_is_realloc_of_the_product) {
    void *p = cmem_reallocarray(NULL, 10, 10);
    cr_assert_eq(cmem_usable_size(p), class_size(class_of(100)));
    stamp(p, 100, 1);
    p = cmem_reallocarray(p, 1000, 1000);
    cr_assert_geq(cmem_usable_size(p), 1000000);
    cr_assert(stamped(p, 100, 100, 1));
    stamp(p, 1000000, 2);
    void *q = cmem_reallocarray(p, 3, 300000);
    cr_assert_eq(q, p, "the block was big enough");
    cr_assert(stamped(q, 900000, 1000000, 2));
    static const size_t nothing[][2] = {{0, 10}, {10, 0}, {0, 0}, {0, SIZE_MAX}, {SIZE_MAX, 0}};
    for (size_t i = 0; i < LEN(nothing); i++) {
        q = cmem_reallocarray(q, hidden(nothing[i][0]), hidden(nothing[i][1]));
        cr_assert_not_null(q);
        cr_assert_eq(cmem_usable_size(q), 16);
    }
    cmem_free(q);
    cr_assert_eq(check_heap().live_blocks, 0);
}

/* --------------------------------------------------------------------------------------------------- alignment */

/* Takes blocks by alloc at each alignment from least on, and frees them. */
static void every_alignment(size_t least, void *(*alloc)(size_t align, size_t n)) {
    static const size_t asked[] = {0,    1,        24,     100,     1000,     4095,
                                   5000, 31 * KIB, 100001, MIB + 1, 16 * MIB, 17 * MIB};
    for (size_t align = least; align <= 16 * MIB; align *= 2) {
        void *p[LEN(asked)];
        for (size_t i = 0; i < LEN(asked); i++) {
            p[i] = alloc(align, asked[i]);
            cr_assert_not_null(p[i]);
            cr_assert_eq((uintptr_t)p[i] % align, 0, "%zu bytes at %zu", asked[i], align);
            cr_assert_eq((uintptr_t)p[i] % 16, 0);
            cr_assert_geq(cmem_usable_size(p[i]), asked[i]);
            stamp(p[i], asked[i], i);
        }
        check_heap();
        for (size_t i = 0; i < LEN(asked); i++) {
            cr_assert(stamped(p[i], asked[i], asked[i], i));
            cmem_free(p[i]);
        }
        cmem_scavenge(0);
    }
    cr_assert_eq(check_heap().heap_inuse, 0);
}

Test(cmem, aligned_alloc_every_alignment) { every_alignment(1, cmem_aligned_alloc); }

Test(cmem, alignment_that_is_no_power_of_two_is_einval) {
    static const size_t wrong[] = {0, 3, 5, 6, 24, 4097, 12288, SIZE_MAX, SIZE_MAX - 1};
    for (size_t i = 0; i < LEN(wrong); i++) {
        errno = 0;
        cr_assert_null(cmem_aligned_alloc(hidden(wrong[i]), 100));
        cr_assert_eq(errno, EINVAL, "alignment %zu", wrong[i]);
    }
}

static void *by_posix_memalign(size_t align, size_t n) {
    void *p = NULL;
    errno = 12345;
    cr_assert_eq(cmem_posix_memalign(&p, align, n), 0);
    cr_assert_eq(errno, 12345);
    return p;
}

Test(cmem, posix_memalign_every_alignment) { every_alignment(sizeof(void *), by_posix_memalign); }

/* Errors are returned: errno and the caller's pointer stay as they were. */
Test(cmem, posix_memalign_errors) {
    static const struct {
        size_t align, n;
        int error;
    } rows[] = {
        {0, 100, EINVAL},
        {1, 100, EINVAL},
        {2, 100, EINVAL},
        {4, 100, EINVAL},
        {3, 100, EINVAL},
        {12, 100, EINVAL},
        {24, 0, EINVAL},
        {4097, 100, EINVAL},
        {SIZE_MAX, 100, EINVAL},
        {24, SIZE_MAX, EINVAL},
        {64, SIZE_MAX, ENOMEM},
        {64, PTRDIFF_MAX, ENOMEM},
        {64 * KIB, SIZE_MAX, ENOMEM},
        {(size_t)1 << 63, 1, ENOMEM},
    };
    char mark;
    for (size_t i = 0; i < LEN(rows); i++) {
        void *p = &mark;
        errno = 12345;
        cr_assert_eq(cmem_posix_memalign(&p, hidden(rows[i].align), hidden(rows[i].n)), rows[i].error,
                     "%zu bytes at %zu", rows[i].n, rows[i].align);
        cr_assert_eq(errno, 12345);
        cr_assert_eq(p, &mark);
    }
    cr_assert_eq(check_heap().live_blocks, 0);
}

/* ------------------------------------------------------------------------------------------------------- batch */

Test(cmem, batch) {
    static void *p[500];
    for (size_t k = 0; k < LEN(sizes); k++) {
        size_t n = sizes[k] <= 4096 ? LEN(p) : 7;
        cr_assert_eq(cmem_alloc_batch(sizes[k], p, n), n);
        for (size_t i = 0; i < n; i++) {
            cr_assert_eq((uintptr_t)p[i] % 16, 0);
            cr_assert_geq(cmem_usable_size(p[i]), sizes[k]);
            stamp(p[i], sizes[k], i);
        }
        cr_assert_eq(check_heap().live_blocks, n);
        for (size_t i = 0; i < n; i++) cr_assert(stamped(p[i], sizes[k], sizes[k], i));
        cmem_free_batch(p, n);
        cr_assert_eq(check_heap().live_blocks, 0);
    }
    cr_assert_eq(cmem_alloc_batch(10, p, 0), 0);
}

Test(cmem, batch_takes_from_the_cache_first) {
    void *a = cmem_alloc(100), *p[2];
    cmem_free(a);
    cr_assert_eq(cmem_alloc_batch(100, p, 2), 2);
    cr_assert(p[0] == a || p[1] == a);
    cmem_free_batch(p, 2);
}

Test(cmem, free_batch_of_mixed_sizes_and_nulls) {
    static void *p[300];
    uint64_t seed = test_seed("cmem");
    size_t live = 0;
    for (size_t i = 0; i < LEN(p); i++) {
        p[i] = pick(&seed, 5) == 0 ? NULL : cmem_alloc(pick_log(&seed, 1, 20 * MIB));
        live += p[i] != NULL;
    }
    cr_assert_eq(stats_now().live_blocks, live);
    errno = 12345;
    cmem_free_batch(p, LEN(p));
    cr_assert_eq(errno, 12345);
    cr_assert_eq(check_heap().live_blocks, 0);
    cmem_scavenge(0);
    cr_assert_eq(check_heap().heap_inuse, 0);
}

/* ------------------------------------------------------------------------------------------------------- stats */

Test(cmem, stats_of_an_empty_heap) {
    struct cmem_stats s = check_heap();
    cr_assert_eq(s.struct_size, sizeof s);
    cr_assert_eq(s.version, 1);
    cr_assert(s.heap_sys == 0 && s.live_blocks == 0 && s.mallocs == 0 && s.frees == 0 && s.regions == 0);
}

Test(cmem, stats_count_what_was_done) {
    void *p[3] = {cmem_alloc(100), cmem_alloc(100000), cmem_alloc(20 * MIB)};
    struct cmem_stats s = check_heap();
    size_t bytes = 112 + 106496 + 20 * MIB;
    cr_assert_eq(s.live_blocks, 3);
    cr_assert_eq(s.live_bytes, bytes);
    cr_assert_eq(s.mallocs, 3);
    cr_assert_eq(s.total_alloc, bytes);
    cr_assert_eq(s.frees, 0);
    cr_assert_eq(s.thread_cache_bytes, (class_refill(class_of(100)) - 1) * (size_t)112);
    for (unsigned i = 0; i < 3; i++) cmem_free(p[i]);
    p[0] = cmem_alloc(100);
    s = check_heap();
    cr_assert_eq(s.mallocs, 4);
    cr_assert_eq(s.frees, 3);
    cr_assert_eq(s.total_alloc, bytes + 112);
    cr_assert_eq(s.live_bytes, 112);
    cmem_free(p[0]);
}

Test(cmem, stats_write_no_more_than_the_caller_has) {
    struct cmem_stats s;
    for (size_t n = 0; n <= sizeof s; n += 4) {
        memset(&s, 0xEE, sizeof s);
        s.struct_size = (uint32_t)n;
        cmem_stats(&s);
        cr_assert_eq(s.struct_size, n, "the size is the caller's");
        if (n >= 8) cr_assert_eq(s.version, 1);
        for (size_t i = n < 4 ? 4 : n; i < sizeof s; i++)
            cr_assert_eq(((unsigned char *)&s)[i], 0xEE, "byte %zu", i);
    }
    struct {
        struct cmem_stats s;
        uint64_t of_a_later_version;
    } larger = {.s.struct_size = sizeof larger, .of_a_later_version = 77};
    cmem_stats(&larger.s);
    cr_assert_eq(larger.of_a_later_version, 77);
    cr_assert_eq(larger.s.struct_size, sizeof larger);
    cr_assert_eq(larger.s.version, 1);
}

Test(cmem, version) {
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", CMEM_VERSION_MAJOR, CMEM_VERSION_MINOR, CMEM_VERSION_PATCH);
    cr_assert_str_eq(cmem_version_string(), text);
    cr_assert_eq(cmem_version(), CMEM_VERSION_NUMBER);
    cr_assert_eq(CMEM_VERSION_NUMBER,
                 CMEM_VERSION_MAJOR * 10000 + CMEM_VERSION_MINOR * 100 + CMEM_VERSION_PATCH);
}

/* ------------------------------------------------------------------------------------------- scavenge, threads */

Test(cmem, scavenge_returns_resident_memory) {
    cmem_free(cmem_alloc(1));
    size_t start = rss_bytes();
    static void *p[640];
    for (size_t i = 0; i < LEN(p); i++) {
        p[i] = cmem_alloc(200000);
        memset(p[i], 1, 200000);
    }
    cr_assert_gt(rss_bytes(), start + 120 * MIB);
    cmem_free_batch(p, LEN(p));
    cr_assert_gt(rss_bytes(), start + 120 * MIB, "freed pages are kept for reuse");
    cr_assert_gt(cmem_scavenge(0), 120 * MIB);
    cr_assert_lt(rss_bytes(), start + 2 * MIB);
    struct cmem_stats s = check_heap();
    cr_assert_eq(s.regions, 1, "only the first region stays");
    cr_assert_eq(s.heap_released, s.heap_idle);
}

static void *free_all(void *arg) {
    void **p = arg;
    for (size_t i = 0; i < LEN(sizes); i++) {
        cr_assert(stamped(p[i], sizes[i], sizes[i], i));
        cmem_free(p[i]);
    }
    return NULL;
}

Test(cmem, another_thread_may_free) {
    void *p[LEN(sizes)];
    pthread_t t;
    for (size_t i = 0; i < LEN(sizes); i++) stamp(p[i] = cmem_alloc(sizes[i]), sizes[i], i);
    cr_assert_eq(pthread_create(&t, NULL, free_all, p), 0);
    pthread_join(t, NULL);
    struct cmem_stats s = check_heap();
    cr_assert_eq(s.live_blocks, 0);
    cr_assert_eq(s.frees, LEN(sizes));
}

/* ------------------------------------------------------------------------------------- what Go builds upon */

/* Go takes and gives them by their tags. */
Test(cmem, owned) {
    for (size_t i = 0; i < LEN(sizes); i++) {
        void *p = cmem_alloc(sizes[i]);
        uintptr_t a = (uintptr_t)p;
        size_t n = cmem_usable_size(p);
        own(p);
        cr_assert_not(cmem__attach(a), "an owned block was attached");
        cr_assert_not(cmem__is_attached(a));
        cr_assert_not(cmem__free_uncached(a), "an owned block was freed");
        cr_assert_eq(cmem_usable_size(p), n);
        struct cmem_stats s = check_heap();
        cr_assert_eq(s.live_blocks, i + 1);
    }
}

Test(cmem, attach) {
    for (size_t i = 0; i < LEN(sizes); i++) {
        void *p = cmem_alloc(sizes[i]);
        uintptr_t a = (uintptr_t)p;
        size_t n = cmem_usable_size(p);
        cr_assert_not(cmem__is_attached(a));
        cr_assert(cmem__attach(a));
        cr_assert(cmem__is_attached(a));
        cr_assert_not(cmem__attach(a), "attached twice");
        cr_assert_eq(cmem_usable_size(p), n, "%zu bytes", sizes[i]);
        cr_assert_eq(cmem__locate(a).where, WHERE_LIVE);
        check_heap();
        p = cmem_realloc(p, sizes[i] / 3 + 1);
        cmem_free(p);
        cr_assert_not(cmem__attach(a), "a free block was attached");
        cr_assert_not(cmem__is_attached(a));
        cr_assert_eq(check_heap().live_blocks, 0);
    }
    static char foreign[64];
    cr_assert_not(cmem__attach((uintptr_t)foreign));
    cr_assert_not(cmem__attach(0));
    cr_assert_not(cmem__attach(UINTPTR_MAX));
}

Test(cmem, uncached_calloc_and_free) {
    for (size_t i = 0; i < LEN(sizes); i++) {
        if (sizes[i] == 0) continue;
        unsigned char *p = cmem__calloc_uncached(sizes[i]);
        cr_assert(all_zero(p, sizes[i]));
        memset(p, 0xFF, sizes[i]);
        struct cmem_stats s = check_heap();
        cr_assert_eq(s.live_blocks, 1);
        cr_assert_eq(s.thread_cache_bytes, 0);
        cr_assert_not(cmem__free_uncached((uintptr_t)p + 16), "the middle of a block was freed");
        cr_assert(cmem__free_uncached((uintptr_t)p));
        cr_assert_not(cmem__free_uncached((uintptr_t)p), "freed twice");
        s = check_heap();
        cr_assert_eq(s.heap_inuse, 0);
        cr_assert_eq(s.mallocs, s.frees);
        p = cmem__calloc_uncached(sizes[i]);
        cr_assert(all_zero(p, sizes[i]), "%zu bytes of used memory", sizes[i]);
        cr_assert(cmem__free_uncached((uintptr_t)p));
    }
}
