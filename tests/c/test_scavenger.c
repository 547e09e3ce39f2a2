/* test_scavenger.c: the steps of the scavenger: what pacer.h's law makes of a heap. The clock is the test's. */
#include "pages.h"

#include "cache.h"
#include "central.h"
#include "check.h"
#include "pacer.h"
#include "release.h"
#include "scavenger.h"
#include "sizeclass.h"
#include "span.h"

#include <sys/syscall.h>
#include <time.h>

#define SECOND ((uint64_t)1000000000)
#define IDLE (8 * SECOND)

static uint64_t clock_ns; /* 0: the real one */

int clock_gettime(clockid_t clock_id, struct timespec *tp) {
    if (clock_ns == 0) return (int)syscall(SYS_clock_gettime, clock_id, tp);
    *tp = (struct timespec){.tv_sec = (time_t)(clock_ns / SECOND), .tv_nsec = (long)(clock_ns % SECOND)};
    return 0;
}

/* A step after so much time. Returns the bytes given back. */
static size_t step(uint64_t ns) {
    if (clock_ns == 0) clock_ns = 1000 * SECOND;
    clock_ns += ns;
    return cmem__scavenger_step(IDLE).released;
}

static void steps(unsigned n) {
    while (n-- > 0) (void)step(SECOND);
}

/* What was in use at the peak stays for an idle limit, and an eighth of it; then it goes. */
Test(scavenger, keeps_the_peak_for_an_idle_limit) {
    struct cmem__span *a = span_alloc(64 * MIB / PAGE_SIZE), *peak = span_alloc(32 * MIB / PAGE_SIZE);
    (void)step(0);
    span_free(peak);
    for (unsigned i = 0; i < 8; i++) cr_assert_eq(step(SECOND), 0, "something went after %u s", i + 1);
    steps(12);
    cr_assert_eq(free_resident_pages(), 64 * MIB / 8 / PAGE_SIZE);
    span_free(a);
    steps(20);
    cr_assert_eq(free_resident_pages() * PAGE_SIZE, PACER_LEAST);
    cmem__check(true);
}

/* A peak between two steps counts, as every allocation of a span notes it. */
Test(scavenger, sees_a_peak_between_two_steps) {
    struct cmem__span *a = span_alloc(MIB / PAGE_SIZE);
    steps(20);
    span_free(span_alloc(32 * MIB / PAGE_SIZE));
    for (unsigned i = 0; i < 8; i++) cr_assert_eq(step(SECOND), 0);
    steps(20);
    cr_assert_eq(free_resident_pages() * PAGE_SIZE, PACER_LEAST);
    span_free(a);
}

/* Blocks in caches are in use for the page heap, but for nobody else: they are part of what stays
 * beside what is in use. */
Test(scavenger, does_not_count_what_lies_in_caches) {
    unsigned c = class_of(256 * KIB);
    struct cmem__cache *ch = cmem__cache_new(CACHE_P);
    cr_assert(cmem__magazine_init(ch, c));
    struct cmem__magazine *m = &ch->mag[c];
    size_t n = class_magazine(c), bytes = n * class_size(c);
    cr_assert_eq(cmem__central_fetch(c, m->base, n, NULL), n);
    m->top = m->base + n;
    ch->share.room -= (int64_t)bytes;
    struct cmem__span *a = span_alloc(64 * MIB / PAGE_SIZE);
    steps(20);
    cr_assert_eq(cmem__cache_bytes(), bytes);
    span_free(span_alloc(32 * MIB / PAGE_SIZE));
    steps(30);
    cr_assert_eq(free_resident_pages() * PAGE_SIZE, 64 * MIB / 8 - bytes, "free: %zu bytes",
                 free_resident_pages() * PAGE_SIZE);
    cmem__cache_delete(ch);
    span_free(a);
}

/* Caches share a quarter of the peak. */
Test(scavenger, caches_share_a_quarter_of_the_peak) {
    enum { N = 64 };
    struct cmem__cache *ch[N];
    for (unsigned i = 0; i < N; i++) ch[i] = cmem__cache_new(CACHE_P);
    struct cmem__span *a = span_alloc(64 * MIB / PAGE_SIZE);
    (void)step(0);
    cr_assert_eq(cmem__capacity[CACHE_P], (int64_t)(16 * MIB / 2 / N));
    cr_assert_eq(cmem__budget_left(), (int64_t)(8 * MIB), "half of it is for those that need more");
    span_free(a);
    steps(8);
    cr_assert_eq(cmem__capacity[CACHE_P], (int64_t)(16 * MIB / 2 / N), "the peak is forgotten too early");
    steps(2);
    cr_assert_eq(cmem__capacity[CACHE_P], BUDGET_MIN / 2 / N);
    for (unsigned i = 1; i < N; i++) cmem__cache_delete(ch[i]);
    a = span_alloc(64 * MIB / PAGE_SIZE);
    cmem__budget_boost(&ch[0]->share, 64 * MIB);
    cr_assert_eq(cmem__budget_left(), (int64_t)(16 * MIB - MIB), "what is in use counts at once");
    cmem__cache_delete(ch[0]);
    span_free(a);
}

/* A region that has been free for an idle limit goes back to malloc, though its pages went before. */
Test(scavenger, gives_regions_back) {
    struct cmem__span *a = span_alloc(FIRST_PAGES), *b = span_alloc(40 * MIB / PAGE_SIZE);
    (void)step(0);
    span_free(b);
    span_free(a);
    size_t regions = stats_now().regions;
    steps(40);
    cr_assert_lt(stats_now().regions, regions);
    cmem__check(true);
}

/* Every step says when the next one is due. */
Test(scavenger, says_when_to_come_again) {
    cr_assert_eq(cmem__scavenger_step(IDLE).next, SECOND);
    cr_assert_eq(cmem__scavenger_step(SECOND).next, SECOND / 8);
    cr_assert_eq(cmem__scavenger_step(1).next, PACER_NEXT_MIN);
    cr_assert_eq(cmem__scavenger_step(3600 * SECOND).next, PACER_NEXT_MAX);
}

/* Under a limit that is nearly reached nothing free stays, however short ago it was in use. */
Test(scavenger, scarcity) {
    struct cmem__span *a = span_alloc(64 * MIB / PAGE_SIZE), *peak = span_alloc(16 * MIB / PAGE_SIZE);
    (void)step(0);
    span_free(peak);
    cr_assert_eq(step(SECOND), 0);
    cmem__pages_limit(80 * MIB);
    steps(2);
    cr_assert_leq(free_resident_pages() * PAGE_SIZE, 64 * MIB / 8, "%zu bytes stay free",
                  free_resident_pages() * PAGE_SIZE);
    span_free(a);
}
