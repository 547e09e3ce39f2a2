/* test_bigpages.c: a machine whose physical pages are of 64 KiB: only whole ones can be given back. */
#include "pages.h"

#include "release.h"
#include "pagemap.h"
#include "span.h"

#include <dlfcn.h>

#define PHYSICAL ((uintptr_t)16) /* pages in one */

long sysconf(int name) {
    if (name == _SC_PAGESIZE) return (long)(PHYSICAL * PAGE_SIZE);
    long (*next)(int) = (long (*)(int))dlsym(RTLD_NEXT, "sysconf");
    return next(name);
}

/* How many pages of s are in whole physical ones. */
static size_t whole_pages(const struct cmem__span *s) {
    uintptr_t size = PHYSICAL * PAGE_SIZE, lo = (s->base + size - 1) / size, hi = end_of(s) / size;
    return lo < hi ? (hi - lo) * PHYSICAL : 0;
}

Test(bigpages, whole_ones_go) {
    struct cmem__span *s[6];
    lay_out(s, (size_t[]){1, 30, 1, 46, 2, 16}, 6);
    for (unsigned i = 1; i < 6; i += 2) span_free(s[i]);
    cr_assert_eq(whole_pages(s[1]), 0);
    cr_assert_eq(scavenge(0), 32 + 16);
    cr_assert_eq(free_resident_pages(), 30 + 14);
    cr_assert_eq(scavenge(0), 0);
}

/* Those that hold none stand in nobody's way, however many and however old: 30 pages from one behind a boundary on. */
Test(bigpages, runs_that_hold_none) {
    enum { RUNS = 50 };
    struct cmem__span *s[2 * RUNS + 2];
    size_t npages[2 * RUNS + 2] = {1};
    for (size_t i = 1; i < LEN(npages) - 1; i++) npages[i] = i % 2 == 1 ? 30 : 2;
    npages[2 * RUNS + 1] = 64;
    span_alloc(FIRST_PAGES);
    lay_out(s, npages, LEN(npages));
    for (size_t i = 1; i < LEN(npages); i += 2) {
        cr_assert_eq(whole_pages(s[i]), i < LEN(npages) - 1 ? 0 : 48);
        span_free(s[i]);
    }
    cr_assert_eq(scavenge(0), 48);
    cr_assert_eq(free_resident_pages(), 30 * RUNS + 16);
}

/* After everything was asked for, no whole physical page is resident and free. */
Test(bigpages, random_walk) {
    enum { N = 60, STEPS = 3000 };
    struct cmem__span *live[N] = {NULL};
    uint64_t seed = test_seed("bigpages");
    for (unsigned step = 0; step < STEPS; step++) {
        size_t i = pick(&seed, N);
        if (live[i] == NULL)
            live[i] = span_alloc(pick_log(&seed, 1, 300));
        else {
            span_free(live[i]);
            live[i] = NULL;
        }
        if (pick(&seed, 30) != 0) continue;
        if (pick(&seed, 2) == 0) {
            cmem__pages_release(64 * MIB, UINT64_MAX);
            continue;
        }
        scavenge(0);
        for (size_t k = 0; k < N; k++) {
            if (live[k] == NULL) continue;
            const struct cmem__region *r = live[k]->region;
            for (uintptr_t a = r->base; a < r->base + r->npages * PAGE_SIZE; a = end_of(pagemap_span(a)))
                cr_assert(pagemap_span(a)->kind != SPAN_RESIDENT || whole_pages(pagemap_span(a)) == 0);
        }
    }
}
