/* test_oom.c: no memory to be had: NULL and ENOMEM, and a heap that is whole afterwards. */
#include "fake_os.h"

#include "check.h"
#include "meta.h"
#include "os.h"
#include "pageheap.h"
#include "sizeclass.h"
#include "span.h"
#include "uncached.h"

#include <criterion/criterion.h>
#include <sys/resource.h>

/* ------------------------------------------------------------------------------ each single call fails in turn */

static void *got[40];

static bool alloc_small(void) { return (got[0] = cmem_alloc(100)) != NULL; }
static bool alloc_tiny(void) { return (got[0] = cmem_alloc(16)) != NULL; } /* its state array is metadata */
static bool alloc_large(void) { return (got[0] = cmem_alloc(MIB)) != NULL; }
static bool alloc_exact(void) { return (got[0] = cmem_alloc(MIB + 1)) != NULL; }
static bool alloc_huge(void) { return (got[0] = cmem_alloc(50 * MIB)) != NULL; }
static bool calloc_small(void) { return (got[0] = cmem_calloc(10, 10)) != NULL; }
static bool calloc_exact(void) { return (got[0] = cmem_calloc(3, 100 * KIB)) != NULL; }
static bool calloc_huge(void) { return (got[0] = cmem_calloc(50, MIB)) != NULL; }
static bool calloc_uncached(void) { return (got[0] = cmem__calloc_uncached(100)) != NULL; }
static bool aligned_small(void) { return (got[0] = cmem_aligned_alloc(256, 100)) != NULL; }
static bool aligned_large(void) { return (got[0] = cmem_aligned_alloc(MIB, 100)) != NULL; }
static bool aligned_huge(void) { return (got[0] = cmem_aligned_alloc(MIB, 50 * MIB)) != NULL; }
static bool posix_memalign_small(void) {
    int error = cmem_posix_memalign(&got[0], 256, 100);
    errno = error;
    return error == 0;
}
static bool reallocarray_of_null(void) { return (got[0] = cmem_reallocarray(NULL, 20, 10000)) != NULL; }
static bool realloc_of_null(void) { return (got[0] = cmem_realloc(NULL, 200000)) != NULL; }
static bool batch(void) { return cmem_alloc_batch(2 * MIB, got, LEN(got)) == LEN(got); }

static bool realloc_grows(void) {
    void *p = cmem_alloc(100);
    if (p == NULL) return false;
    stamp(p, 100, 1);
    void *q = cmem_realloc(p, 20 * MIB);
    int saved = errno;
    got[0] = q != NULL ? q : p;
    cr_assert(stamped(got[0], 100, 100, 1), "the block was not kept");
    errno = saved;
    return q != NULL;
}

static void free_got(void) {
    cmem_free_batch(got, LEN(got));
    memset(got, 0, sizeof got);
}

/* Runs f with the first system call refused, then the second and so on, until it needs no more. */
static void refuse_in_turn(bool (*f)(void), bool all_from_there) {
    for (unsigned at = 1;; at++) {
        os.refuse_at = at;
        os.refuse_all = all_from_there;
        os.calls = 0;
        os.counting = true;
        errno = 0;
        bool ok = f();
        int error = errno;
        os.counting = false;
        check_heap();
        if (!ok) cr_assert_eq(error, ENOMEM, "call %u refused: errno %d", at, error);
        free_got();
        cr_assert_eq(check_heap().live_blocks, 0);
        if (os.calls < at) break; /* it got by with fewer calls */
        cmem_scavenge(0);
    }
    cr_assert(f(), "it does not work with memory to be had");
    free_got();
    cmem_scavenge(0);
    cr_assert_eq(check_heap().heap_inuse, 0);
}

#define REFUSALS(f)                                                    \
    Test(oom, f##_with_one_call_refused) { refuse_in_turn(f, false); } \
    Test(oom, f##_with_all_calls_refused) { refuse_in_turn(f, true); }

REFUSALS(alloc_small)
REFUSALS(alloc_tiny)
REFUSALS(alloc_large)
REFUSALS(alloc_exact)
REFUSALS(alloc_huge)
REFUSALS(calloc_small)
REFUSALS(calloc_exact)
REFUSALS(calloc_huge)
REFUSALS(calloc_uncached)
REFUSALS(aligned_small)
REFUSALS(aligned_large)
REFUSALS(aligned_huge)
REFUSALS(posix_memalign_small)
REFUSALS(reallocarray_of_null)
REFUSALS(realloc_of_null)
REFUSALS(realloc_grows)
REFUSALS(batch)

Test(oom, nothing_at_all) {
    os.counting = true;
    os.refuse_at = 1;
    os.refuse_all = true;
    for (unsigned i = 0; i < 3; i++) {
        errno = 0;
        cr_assert_null(cmem_alloc(10));
        cr_assert_eq(errno, ENOMEM);
    }
    cr_assert_eq(cmem_scavenge(0), 0);
    struct cmem_stats s = check_heap();
    cr_assert_eq(s.heap_sys, 0);
    cr_assert_eq(s.mallocs, 0, "a failed allocation was counted");
    os.counting = false;
    cmem_free(cmem_alloc(10));
}

/* Without metadata to be had, free, the trimming realloc and scavenge still work; frees never need memory. */
Test(oom, free_needs_no_memory) {
    static void *p[2000];
    for (size_t i = 0; i < LEN(p); i++) cr_assert_not_null(p[i] = cmem_alloc(40000));
    os.counting = true;
    os.refuse_at = 1;
    os.refuse_all = true;
    for (size_t i = 0; i < LEN(p); i += 2) cmem_free(p[i]);
    check_heap();
    for (size_t i = 1; i < LEN(p); i += 2) cr_assert_eq(cmem_realloc(p[i], 39000), p[i]);
    cmem_scavenge(0);
    check_heap();
    for (size_t i = 1; i < LEN(p); i += 2) cmem_free(p[i]);
    cmem_scavenge(0);
    struct cmem_stats s = check_heap();
    cr_assert_eq(s.heap_inuse, 0);
    cr_assert_eq(s.heap_released, s.heap_idle);
}

/* Pages are there, but nothing for the state of a span: the pages go back. */
Test(oom, no_metadata_for_a_span) {
    void *p = cmem_alloc(8), *q[40];
    for (size_t i = 0; i < LEN(q); i++) q[i] = cmem_alloc(100000);
    cmem_free_batch(q, LEN(q)); /* spare descriptors */
    os.counting = true;
    os.refuse_at = 1;
    os.refuse_all = true;
    for (size_t size = 8 * KIB; size >= 64; size -= 64) {
        while (cmem__meta_alloc(size) != NULL) continue;
    }
    errno = 0;
    cr_assert_null(cmem_alloc(32));
    cr_assert_eq(errno, ENOMEM);
    cr_assert_null(cmem_calloc(1, 32));
    q[0] = cmem_alloc(100000); /* needs none */
    cr_assert_not_null(q[0]);
    check_heap();
    os.counting = false;
    q[1] = cmem_alloc(32);
    cr_assert_not_null(q[1]);
    cmem_free(p);
    cmem_free_batch(q, 2);
    cmem_scavenge(0);
    cr_assert_eq(check_heap().heap_inuse, 0);
}

Test(oom, random_refusals) {
    uint64_t seed = test_seed("oom");
    static void *p[200];
    static size_t size[200];
    unsigned refused = 0;
    os.counting = os.refuse_all = true;
    for (unsigned step = 0; step < 5000; step++) {
        size_t i = pick(&seed, LEN(p));
        os.calls = 0;
        os.refuse_at = pick(&seed, 2) == 0 ? 1 + (unsigned)pick(&seed, 2) : 0;
        if (p[i] == NULL) {
            size[i] = pick_log(&seed, 1, 20 * MIB);
            p[i] = pick(&seed, 4) == 0 ? cmem_aligned_alloc((size_t)1 << pick(&seed, 20), size[i])
                                       : cmem_alloc(size[i]);
            if (p[i] == NULL)
                refused++;
            else
                stamp(p[i], size[i], i);
        } else {
            cr_assert(stamped(p[i], size[i], size[i], i));
            cmem_free(p[i]);
            p[i] = NULL;
        }
        if (pick(&seed, 30) == 0) cmem_scavenge(0);
        if (step % 50 == 0) check_heap();
        if (step % 100 > 0) continue;
        cmem_free_batch(p, LEN(p)); /* now and then the heap has to grow anew */
        memset(p, 0, sizeof p);
        cmem_scavenge(0);
    }
    cr_assert_gt(refused, 0);
    os.counting = false;
    cmem_free_batch(p, LEN(p));
    cmem_scavenge(0);
    cr_assert_eq(check_heap().heap_inuse, 0);
}

/* ------------------------------------------------------------------------------------------ the real thing */

/* Address space for another `bytes`, and no more. */
static void limit_to(size_t bytes) {
    char text[128] = "";
    int fd = open("/proc/self/statm", O_RDONLY);
    cr_assert_gt(read(fd, text, sizeof text - 1), 0);
    close(fd);
    size_t used = strtoul(text, NULL, 10) * PAGE_SIZE;
    cr_assert_eq(setrlimit(RLIMIT_AS, &(struct rlimit){used + bytes, used + bytes}), 0);
}

static void fill_until_enomem(size_t size) {
    static void *p[20000];
    size_t n = 0;
    errno = 0;
    while (n < LEN(p) && (p[n] = cmem_alloc(size)) != NULL) {
        stamp(p[n], size, n);
        n++;
    }
    cr_assert_eq(errno, ENOMEM);
    cr_assert(n > 0 && n < LEN(p), "%zu blocks of %zu bytes", n, size);
    check_heap();
    errno = 0;
    cr_assert_null(cmem_calloc(1, 100 * MIB));
    cr_assert_eq(errno, ENOMEM);
    errno = 0;
    cr_assert_null(cmem_realloc(p[0], 100 * MIB));
    cr_assert_eq(errno, ENOMEM);
    for (size_t i = 0; i < n; i++) cr_assert(stamped(p[i], size, size, i));
    cmem_free_batch(p, n);
    check_heap();
    void *again = cmem_alloc(size);
    cr_assert_not_null(again, "freed memory is not used again");
    cmem_free(again);
    cmem_scavenge(0);
    cr_assert_eq(check_heap().heap_inuse, 0);
}

/* A region is as large as there is room for, down to what is needed; the next one is of the usual size if it can be. */
Test(oom, regions_of_what_there_is_room_for) {
    void *p[16];
    cr_assert_not_null(cmem__pages_alloc(REGION_FIRST >> PAGE_SHIFT, 1, SPAN_LARGE, NUM_CLASSES - 1));
    cr_assert_eq(stats_now().heap_sys, REGION_FIRST);
    size_t sys = REGION_FIRST, want = REGION_SIZE;
    for (unsigned i = 0; i < LEN(p); i++) {
        os.refuse_regions = i;
        os.regions = 0;
        p[i] = cmem__pages_alloc(20, 1, SPAN_LARGE, NUM_CLASSES - 1);
        if (want < 128 * KIB) { /* there are 80 KiB to hold */
            cr_assert_null(p[i]);
            cr_assert_eq(errno, ENOMEM);
            break;
        }
        struct cmem__span *s = p[i];
        cr_assert_not_null(s);
        cr_assert_eq(os.regions, i + 1);
        cr_assert_eq(stats_now().heap_sys - sys, want, "%zu bytes", stats_now().heap_sys - sys);
        cr_assert_not(s->region->permanent);
        sys += want;
        want = (want / 2 + REGION_ALIGN - 1) & ~(REGION_ALIGN - 1);
        cr_assert_not_null(cmem__pages_alloc(s->region->npages - 20, 1, SPAN_LARGE, NUM_CLASSES - 1));
        cmem__check(true);
    }
    os.refuse_regions = 0;
    cr_assert_not_null(cmem__pages_alloc(20, 1, SPAN_LARGE, NUM_CLASSES - 1));
    cr_assert_eq(stats_now().heap_sys, sys + REGION_SIZE);
}

Test(oom, address_space_is_limited) {
    limit_to(150 * MIB);
    fill_until_enomem(20000);
    fill_until_enomem(300000);
    fill_until_enomem(3 * MIB);
    fill_until_enomem(17 * MIB);
}

Test(oom, no_address_space_from_the_start) {
    limit_to(16 * KIB);
    errno = 0;
    cr_assert_null(cmem_alloc(2 * MIB));
    cr_assert_eq(errno, ENOMEM);
    check_heap();
}
