/* test_pageheap.c: which pages are handed out, how they come back, and what the operating system gets. */
#include "pages.h"

#include "check.h"
#include "os.h"
#include "pageheap.h"
#include "pagemap.h"
#include "release.h"
#include "sizeclass.h"
#include "span.h"

#include <criterion/redirect.h>
#include <signal.h>

/* ------------------------------------------------------------------------------------------------- choice */

Test(pageheap, best_fit) {
    struct cmem__span *s[6];
    lay_out(s, (size_t[]){10, 1, 5, 1, 8, 1}, 6);
    uintptr_t ten = s[0]->base, five = s[2]->base, eight = s[4]->base;
    span_free(s[0]);
    span_free(s[2]);
    span_free(s[4]);
    struct cmem__span *got = span_alloc(5);
    cr_assert_eq(got->base, five);
    cr_assert_eq(span_alloc(6)->base, eight);
    cr_assert_eq(span_alloc(2)->base, eight + 6 * PAGE_SIZE, "the rest of the eight is the best fit now");
    cr_assert_eq(span_alloc(9)->base, ten);
    span_free(got);
    cr_assert_eq(span_alloc(4)->base, five);
}

/* From 16 pages on a bin holds several lengths: the one for 32 also 33, 34 and 35. */
Test(pageheap, best_fit_within_a_bin_of_many_lengths) {
    struct cmem__span *s[6];
    lay_out(s, (size_t[]){32, 1, 35, 1, 36, 1}, 6);
    uintptr_t b35 = s[2]->base, b36 = s[4]->base;
    span_free(s[0]);
    span_free(s[2]);
    span_free(s[4]);
    cr_assert_eq(span_alloc(33)->base, b35);
    cr_assert_eq(span_alloc(34)->base, b36);
    cr_assert_eq(stats_now().regions, 1);
}

Test(pageheap, lowest_address_first) {
    struct cmem__span *s[6];
    lay_out(s, (size_t[]){7, 1, 7, 1, 7, 1}, 6);
    uintptr_t base[3] = {s[0]->base, s[2]->base, s[4]->base};
    span_free(s[2]);
    span_free(s[4]);
    span_free(s[0]);
    for (unsigned i = 0; i < 3; i++) cr_assert_eq(span_alloc(7)->base, base[i]);
}

Test(pageheap, fresh_memory_is_known_to_be_zero) {
    struct cmem__span *s = span_alloc(9);
    cr_assert(s->zeroed);
    span_free(s);
    s = span_alloc(9);
    cr_assert_not(s->zeroed);
}

/* ---------------------------------------------------------------------------------------------- coalescing */

Test(pageheap, coalesces_on_both_sides_in_any_order) {
    static const unsigned order[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct cmem__span *left = span_alloc(1);
    for (unsigned i = 0; i < 6; i++) {
        struct cmem__span *s[3] = {span_alloc(3), span_alloc(4), span_alloc(5)}, *right = span_alloc(1);
        uintptr_t base = s[0]->base;
        cr_assert_eq(right->base, base + 12 * PAGE_SIZE);
        for (unsigned j = 0; j < 3; j++) span_free(s[order[i][j]]);
        assert_free(base, 12, SPAN_RESIDENT);
        span_free(right);
    }
    span_free(left);
}

Test(pageheap, resident_and_released_are_never_coalesced) {
    struct cmem__span *s[3];
    lay_out(s, (size_t[]){4, 4, 4}, 3);
    uintptr_t base = s[0]->base, mid = s[1]->base, end = s[2]->base;
    span_free(s[0]);
    span_free(s[2]);
    cr_assert_eq(scavenge(0), 8);
    span_free(s[1]);
    assert_free(base, 4, SPAN_RELEASED);
    assert_free(mid, 4, SPAN_RESIDENT);
    assert_free(end, 4, SPAN_RELEASED);
    cr_assert_eq(released_pages(), 8);
    cr_assert_eq(scavenge(0), 4);
    assert_free(base, 12, SPAN_RELEASED);
}

/* Where malloc puts two regions side by side, a span must not lie across: each is freed on its own. */
Test(pageheap, regions_are_never_coalesced) {
    size_t npages = REGION_SIZE >> PAGE_SHIFT;
    char *map = mmap(NULL, 3 * REGION_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    os.region_at = (char *)(((uintptr_t)map + REGION_ALIGN - 1) & ~(REGION_ALIGN - 1));
    struct cmem__span *a = span_alloc(npages), *b = span_alloc(npages);
    uintptr_t base = a->base;
    cr_assert_eq(b->base, base + REGION_SIZE);
    for (unsigned order = 0; order < 2; order++) {
        span_free(order == 0 ? a : b);
        span_free(order == 0 ? b : a);
        assert_free(base, npages, SPAN_RESIDENT);
        assert_free(base + REGION_SIZE, npages, SPAN_RESIDENT);
        a = span_alloc(npages);
        b = span_alloc(npages);
    }
    span_free(a);
    span_free(b);
    os.region_at = NULL;
    span_alloc(npages + 1);
    cr_assert_eq(stats_now().regions, 3);
}

/* -------------------------------------------------------------------------------------------------- settling */

#define NEVER UINT64_MAX

/* As much as was asked for, of the longest idle. */
Test(pageheap, release_takes_the_oldest) {
    struct cmem__span *s[6];
    lay_out(s, (size_t[]){20, 1, 40, 1, 60, 1}, 6);
    uintptr_t base[] = {s[0]->base, s[2]->base, s[4]->base};
    span_free(s[2]);
    span_free(s[4]);
    span_free(s[0]);
    span_at(base[1])->unused_since = 1;
    cr_assert_eq(cmem__pages_release(40 * PAGE_SIZE, NEVER), 40 * PAGE_SIZE);
    assert_free(base[1], 40, SPAN_RELEASED);
    cr_assert_eq(cmem__pages_release(60 * PAGE_SIZE, NEVER), 60 * PAGE_SIZE);
    assert_free(base[2], 60, SPAN_RELEASED);
    cr_assert_eq(cmem__pages_release(0, NEVER), 0);
    cr_assert_eq(cmem__pages_release(600 * PAGE_SIZE, NEVER), 20 * PAGE_SIZE, "all there is");
    cmem__check(true);
}

/* The most in use is told once. */
Test(pageheap, use_tells_the_peak) {
    struct cmem__span *a = span_alloc(10), *b = span_alloc(20);
    span_free(b);
    struct cmem__pages_use use = cmem__pages_use();
    cr_assert_eq(use.inuse, 10 * PAGE_SIZE);
    cr_assert_eq(use.peak, 30 * PAGE_SIZE);
    cr_assert_eq(use.resident, 20 * PAGE_SIZE);
    cr_assert_eq(cmem__pages_use().peak, 10 * PAGE_SIZE);
    span_free(a);
}

/* However old and however many: a call each is not worth it. */
Test(pageheap, release_leaves_short_spans) {
    char picture[FIRST_PAGES] = "";
    while (strlen(picture) < 200) strcat(picture, "rx");
    span_alloc(FIRST_PAGES);
    struct cmem__region *r = draw(picture, 15);
    for (size_t i = 0; i < 200; i += 2) span_at(r->base + i * 15 * PAGE_SIZE)->unused_since = 0;
    cr_assert_eq(free_resident_pages(), 1500);
    cr_assert_eq(cmem__pages_release(1000 * MIB, NEVER), 0);
    cr_assert_eq(scavenge(1), 0);
    struct cmem__span *s = span_at(r->base + 15 * PAGE_SIZE);
    span_free(s); /* its neighbours are short no longer */
    cr_assert_eq(cmem__pages_release(1000 * MIB, NEVER), 45 * PAGE_SIZE);
    cr_assert_eq(scavenge(0), 1500 - 30);
}

/* A span that is released in parts leaves none that is too short to be released by itself. */
Test(pageheap, parts_leave_no_short_rest) {
    struct cmem__span *used = span_alloc(MIB / PAGE_SIZE);
    for (size_t npages = 257; npages < 1060; npages++) {
        struct cmem__span *s = span_alloc(npages);
        uintptr_t base = s->base;
        span_free(s);
        if (npages < 300) cmem__pages_release((npages - 256) * PAGE_SIZE, NEVER);
        size_t left = free_resident_pages();
        cr_assert(left == npages || left == 256, "%zu pages are left of %zu", left, npages);
        span_at(base)->unused_since = 0;
        cr_assert_eq(scavenge(1), left);
    }
    span_free(used);
    cmem__check(true);
}

/* Of no more than the 16 oldest spans, where none of them can go, whole or in part: 18 pages are
 * wanted of spans of 31. */
Test(pageheap, release_looks_at_the_oldest) {
    for (size_t n = 15; n <= 16; n++) {
        struct cmem__span *s[34];
        size_t npages[34];
        for (size_t i = 0; i < n; i++) {
            npages[2 * i] = 31;
            npages[2 * i + 1] = 1;
        }
        npages[2 * n] = 100;
        if (n == 15) span_alloc(FIRST_PAGES);
        lay_out(s, npages, 2 * n + 1);
        for (size_t i = 0; i <= n; i++) span_free(s[2 * i]);
        cr_assert_eq(cmem__pages_release(18 * PAGE_SIZE, NEVER) / PAGE_SIZE, n == 15 ? 18 : 0);
        cmem__check(true);
        empty_region(s[1]->region);
        cmem__pages_release(1000 * MIB, NEVER);
    }
}

/* ---------------------------------------------------------------------------------------------------- limit */

Test(pageheap, limit_counts_resident_pages_and_those_in_use) {
    struct cmem__span *s[6];
    lay_out(s, (size_t[]){10, 1, 40, 1, 20, 1}, 6);
    for (unsigned i = 0; i < 6; i += 2) span_free(s[i]);
    cr_assert_eq(free_resident_pages(), 70);
    size_t inuse = FIRST_PAGES - 70;
    cr_assert_eq(cmem__pages_limit((inuse + 45) * PAGE_SIZE), inuse * PAGE_SIZE);
    cr_assert_eq(free_resident_pages(), 45, "as many were given back as there were too many");
    cmem__check(true);

    struct cmem__span *got = span_alloc(40); /* faults some in: others go */
    cr_assert_leq(free_resident_pages(), 5);
    errno = 0;
    cr_assert_null(cmem__pages_alloc(6, 1, SPAN_LARGE, NUM_CLASSES - 1));
    cr_assert_eq(errno, ENOMEM);
    span_alloc(5);
    cr_assert_eq(free_resident_pages(), 0);
    span_free(got);
    cr_assert_eq(free_resident_pages(), 40, "a free changes nothing");
    cmem__pages_limit(SIZE_MAX);
    span_alloc(46);
    cr_assert_eq(free_resident_pages() + released_pages(), stats_now().heap_idle / PAGE_SIZE);
}

/* A limit below what is in use holds for what comes. */
Test(pageheap, limit_below_what_is_in_use) {
    struct cmem__span *s[4];
    lay_out(s, (size_t[]){100, 1, 10, 1}, 4);
    span_free(s[2]);
    cr_assert_eq(cmem__pages_limit(50 * PAGE_SIZE), (FIRST_PAGES - 10) * PAGE_SIZE);
    cr_assert_eq(free_resident_pages(), 0);
    cr_assert_null(cmem__pages_alloc(1, 1, SPAN_LARGE, NUM_CLASSES - 1));
    empty_region(s[0]->region);
    struct cmem__span *most = span_alloc(50);
    cr_assert_null(cmem__pages_alloc(1, 1, SPAN_LARGE, NUM_CLASSES - 1));
    span_free(most);
    span_alloc(50);
}

/* ------------------------------------------------------------------------------------------ aligned, trimmed */

Test(pageheap, aligned_spans) {
    struct cmem__span *s[13];
    for (unsigned i = 0; i <= 12; i++) {
        size_t align = (size_t)1 << i;
        s[i] = cmem__pages_alloc(3, align, SPAN_LARGE, NUM_CLASSES - 1);
        cr_assert_not_null(s[i]);
        cr_assert_eq(s[i]->npages, 3);
        cr_assert_eq(s[i]->base % (align * PAGE_SIZE), 0, "alignment of %zu pages", align);
        cmem__check(true);
    }
    cr_assert_eq(stats_now().heap_inuse, 39 * PAGE_SIZE, "what alignment leaves over is not free");
    for (unsigned i = 0; i <= 12; i++) span_free(s[i]);
    cr_assert_eq(stats_now().heap_inuse, 0);
}

Test(pageheap, impossible_sizes) {
    static const size_t impossible[][2] = {{SIZE_MAX, 1},
                                           {SIZE_MAX >> PAGE_SHIFT, 1},
                                           {(size_t)1 << 50, 1},
                                           {1, (size_t)1 << 51},
                                           {SIZE_MAX - 1, 2}};
    for (size_t i = 0; i < LEN(impossible); i++) {
        errno = 0;
        cr_assert_null(cmem__pages_alloc(impossible[i][0], impossible[i][1], SPAN_EXACT, 0));
        cr_assert_eq(errno, ENOMEM);
        cmem__check(true);
    }
    cr_assert_eq(stats_now().heap_sys, 0);
}

Test(pageheap, trim) {
    struct cmem__span *s[2];
    lay_out(s, (size_t[]){20, 1}, 2);
    uintptr_t base = s[0]->base;
    cr_assert(cmem__pages_trim(s[0], 5));
    cmem__check(true);
    cr_assert_eq(s[0]->npages, 5);
    assert_free(base + 5 * PAGE_SIZE, 15, SPAN_RESIDENT);
    cr_assert(cmem__pages_trim(s[0], 1));
    assert_free(base + PAGE_SIZE, 19, SPAN_RESIDENT);
    span_free(s[0]);
    assert_free(base, 20, SPAN_RESIDENT);
}

/* ---------------------------------------------------------------------------------------------- what is not walked
 *
 * The pagemap's entries of pages that an operation has nothing to do with cannot be read: a walk
 * over them is a SIGSEGV. */

/* A physical page of entries, on whatever machine. */
#define GUARDED ((size_t)8192)

/* Of the GUARDED pages from a on, the first ones of a GiB or a multiple of as many behind it. */
static void guard(uintptr_t a, int protection) {
    void *entries = (void *)&pagemap_leaf(a)->page[leaf_index(a)];
    cr_assert_eq(mprotect(entries, GUARDED * sizeof(void *), protection), 0);
}

/* One extent: 32,000 pages that are released and resident by turns, with the guarded ones amidst; then, with
 * a released page behind each, eight resident spans of 4 pages and one of 40. */
enum { TURNS = 32000, FOURS = 8, LONG_PAGES = 4 * GUARDED };

static struct cmem__span *forty, *behind; /* the last resident span, and what is in use behind the extent */

static struct cmem__span *span_alloc_unchecked(size_t npages) {
    struct cmem__span *s = cmem__pages_alloc(npages, 1, SPAN_LARGE, NUM_CLASSES - 1);
    cr_assert_not_null(s);
    return s;
}

static void make_long_extent(void) {
    static struct cmem__span *released[TURNS], *resident[TURNS];
    size_t n = 0;
    os.region_align = (size_t)1 << LEAF_SHIFT;
    cmem__pages_free(span_alloc_unchecked(LONG_PAGES));
    for (; n <= TURNS / 2 + FOURS; n++) {
        resident[n] = span_alloc_unchecked(n < TURNS / 2 ? 1 : n < TURNS / 2 + FOURS ? 4 : 40);
        released[n] = span_alloc_unchecked(1);
    }
    behind = span_alloc_unchecked(LONG_PAGES - TURNS - FOURS * 5 - 41);
    for (size_t i = 0; i < n; i++) cmem__pages_free(released[i]);
    cmem__pages_scavenge(0);
    for (size_t i = 0; i < n; i++) cmem__pages_free(resident[i]);
    forty = resident[n - 1];
    cr_assert_eq(end_of(forty) + PAGE_SIZE, behind->base);
    cmem__check(true);
    guard(behind->region->base + GUARDED * PAGE_SIZE, PROT_NONE);
}

static void check_long_extent(void) {
    guard(behind->region->base + GUARDED * PAGE_SIZE, PROT_READ | PROT_WRITE);
    cmem__check(true);
    cr_assert_eq(stats_now().regions, 1);
}

Test(pageheap, free_at_the_end_of_a_long_extent, .init = make_long_extent, .fini = check_long_extent) {
    cmem__pages_free(behind);
}

Test(pageheap, scavenge_at_the_end_of_a_long_extent, .init = make_long_extent, .fini = check_long_extent) {
    forty->unused_since = 0;
    cr_assert_eq(cmem__pages_scavenge(1), 40 * PAGE_SIZE);
}

/* Inside a resident span, around it, and around several. */
Test(pageheap, allocation_in_a_long_extent, .init = make_long_extent, .fini = check_long_extent) {
    static const size_t npages[] = {6, 45, 70};
    for (size_t i = 0; i < LEN(npages); i++) {
        uintptr_t end = end_of(forty);
        struct cmem__span *s = span_alloc_unchecked(npages[i]);
        cr_assert(s->base < end && end_of(s) > end - 40 * PAGE_SIZE);
        cmem__pages_free(s);
        forty = pagemap_span(end - PAGE_SIZE);
    }
}

/* A region that is in use has nothing to give. */
Test(pageheap, scavenge_walks_no_regions) {
    os.region_align = (size_t)1 << LEAF_SHIFT;
    struct cmem__span *s = span_alloc(LONG_PAGES);
    guard(s->base, PROT_NONE);
    cr_assert_eq(cmem__pages_scavenge(0), 0);
    guard(s->base, PROT_READ | PROT_WRITE);
    span_free(s);
}

/* ------------------------------------------------------------------------------------------------ scavenging */

Test(pageheap, scavenge_gives_back_exactly_what_is_idle) {
    struct cmem__span *s[6];
    lay_out(s, (size_t[]){40, 1, 30, 1, 30, 1}, 6);
    uintptr_t base = s[0]->base;
    for (unsigned i = 0; i < 6; i++) touch(s[i]);
    for (unsigned i = 0; i < 6; i += 2) span_free(s[i]);
    cr_assert_eq(resident_pages((void *)base, 103), 103);
    cr_assert_eq(released_pages(), 0);

    os.released = 0;
    cr_assert_eq(scavenge(0), 100);
    cr_assert_eq(os.released, 100 * PAGE_SIZE);
    cr_assert_eq(released_pages(), 100);
    cr_assert_eq(resident_pages((void *)base, 103), 3, "only the three blocks between are resident");
    struct cmem_stats st = stats_now();
    cr_assert_eq(st.scavenges, 1);
    cr_assert_eq(st.scavenged_bytes, 100 * PAGE_SIZE);

    cr_assert_eq(scavenge(0), 0, "nothing is given back twice");
    cr_assert_eq(os.released, 100 * PAGE_SIZE);
    cr_assert_eq(stats_now().scavenges, 1, "a call that gave nothing back is not counted");

    struct cmem__span *again = span_alloc(10);
    cr_assert(again->zeroed);
    cr_assert_eq(*(char *)again->base, 0);
    cr_assert_eq(released_pages(), 90);
}

/* Ages are set by hand: 0 is before the machine was started. */
Test(pageheap, scavenge_spares_what_was_used_lately) {
    struct cmem__span *s[6];
    lay_out(s, (size_t[]){20, 1, 20, 1, 20, 1}, 6);
    for (unsigned i = 0; i < 6; i += 2) span_free(s[i]);
    cr_assert_eq(scavenge(UINT64_MAX), 0);
    s[0]->unused_since = 0;
    uint64_t half_the_uptime = cmem__now() / 2;
    cr_assert_eq(scavenge(half_the_uptime), 20);
    cr_assert_eq(s[0]->kind, SPAN_RELEASED);
    cr_assert_eq(s[2]->kind, SPAN_RESIDENT);
    s[2]->unused_since = 0;
    cr_assert_eq(scavenge(half_the_uptime), 20);
    cr_assert_eq(s[4]->kind, SPAN_RESIDENT);
    cr_assert_eq(scavenge(0), 20);
}

/* A span that grew is as young as its youngest page. */
Test(pageheap, age_of_a_coalesced_span) {
    struct cmem__span *s[3];
    lay_out(s, (size_t[]){20, 20, 1}, 3);
    uintptr_t base = s[0]->base;
    span_free(s[0]);
    s[0]->unused_since = 0;
    span_free(s[1]);
    assert_free(base, 40, SPAN_RESIDENT);
    cr_assert_gt(span_at(base)->unused_since, 0);
    cr_assert_eq(scavenge(cmem__now() / 2), 0);
}

/* One that shrank keeps its age. */
Test(pageheap, age_of_the_rest_of_a_span) {
    struct cmem__span *s[2];
    lay_out(s, (size_t[]){40, 1}, 2);
    span_free(s[0]);
    s[0]->unused_since = 0;
    struct cmem__span *got = span_alloc(8);
    cr_assert_eq(span_at(got->base + 8 * PAGE_SIZE)->unused_since, 0);
    cr_assert_eq(scavenge(cmem__now() / 2), 32);
}

Test(pageheap, short_spans_are_left_unless_all_is_asked_for) {
    struct cmem__span *s[4];
    lay_out(s, (size_t[]){15, 1, 16, 1}, 4);
    span_free(s[0]);
    span_free(s[2]);
    s[0]->unused_since = s[2]->unused_since = 0;
    cr_assert_eq(scavenge(1), 16);
    cr_assert_eq(scavenge(0), 15);
}

/* What was released, in this order. */
static uintptr_t released_at[8];
static unsigned nreleased;

static void note_release(uintptr_t base, size_t bytes) {
    cr_assert_lt(nreleased, LEN(released_at));
    cr_assert_gt(bytes, 0);
    released_at[nreleased++] = base;
}

Test(pageheap, long_spans_before_short_ones) {
    struct cmem__span *s[6];
    lay_out(s, (size_t[]){15, 1, 16, 1, 14, 1}, 6);
    uintptr_t base[3] = {s[0]->base, s[2]->base, s[4]->base};
    span_free(s[0]);
    span_free(s[4]);
    span_free(s[2]);
    os.in_release = note_release;
    cr_assert_eq(scavenge(0), 45);
    cr_assert_eq(nreleased, 3);
    cr_assert_eq(released_at[0], base[1]);
    cr_assert(released_at[1] != released_at[2] && released_at[1] != base[1] && released_at[2] != base[1]);
}

Test(pageheap, oldest_first) {
    struct cmem__span *s[6];
    lay_out(s, (size_t[]){20, 1, 20, 1, 20, 1}, 6);
    uintptr_t want[3] = {s[2]->base, s[4]->base, s[0]->base};
    span_free(s[2]);
    span_free(s[4]);
    span_free(s[0]);
    os.in_release = note_release;
    cr_assert_eq(scavenge(0), 60);
    cr_assert_eq(nreleased, 3);
    for (unsigned i = 0; i < 3; i++) cr_assert_eq(released_at[i], want[i]);
}

Test(pageheap, refused_pages_stay_resident) {
    struct cmem__span *s[2];
    lay_out(s, (size_t[]){20, 1}, 2);
    touch(s[0]);
    uintptr_t base = s[0]->base;
    span_free(s[0]);
    os.refuse_release = true;
    errno = EBUSY;
    cr_assert_eq(scavenge(0), 0);
    cr_assert_eq(errno, EBUSY);
    assert_free(base, 20, SPAN_RESIDENT);
    cr_assert_eq(released_pages(), 0);
    cr_assert_eq(stats_now().scavenges, 0);
    cr_assert_not(span_alloc(20)->zeroed);
}

Test(pageheap, pages_that_are_locked_in_memory) {
    struct cmem__span *s[2];
    lay_out(s, (size_t[]){4, 1}, 2);
    void *p = (void *)s[0]->base;
    if (mlock(p, 4 * PAGE_SIZE) != 0) cr_skip_test("mlock is not allowed here");
    span_free(s[0]);
    cr_assert_eq(scavenge(0), 0);
    cr_assert_eq(resident_pages(p, 4), 4);
    munlock(p, 4 * PAGE_SIZE);
    cr_assert_eq(scavenge(0), 4);
    cr_assert_eq(resident_pages(p, 4), 0);
}

static bool words_are(const struct cmem__span *s, uint64_t key) {
    for (size_t i = 0; i < s->npages; i++) {
        if (*(uint64_t *)(s->base + i * PAGE_SIZE) != key) return false;
    }
    return true;
}

/* --------------------------------------------------------------------------------- memory that is not given back
 *
 * A region whose pages do not read as zero once they were given back has resident spans only, in
 * nobody's way, and goes back to malloc when it is free. */

static void refuse(void) { os.refuse_release = true; }
static void keep_contents(void) { os.keep_contents = true; }

static void no_release(void) {
    span_alloc(FIRST_PAGES);
    struct cmem__span *s[4];
    lay_out(s, (size_t[]){1000, 1, 20, 1}, 4);
    cr_assert_not(s[0]->region->releases);
    cr_assert_not(s[0]->zeroed);
    touch(s[0]);
    os.refuse_release = os.keep_contents = false; /* what it is stays known */
    uintptr_t base = s[0]->base;
    span_free(s[0]);
    span_free(s[2]);
    os.released = os.refused = 0;
    cr_assert_eq(scavenge(0), 0);
    cmem__pages_release(1000 * MIB, NEVER);
    cr_assert_eq(os.released + os.refused, 0);
    assert_free(base, 1000, SPAN_RESIDENT);
    cr_assert_not(span_alloc(1000)->zeroed);
    unsigned char *p = cmem_calloc(1, 80000);
    cr_assert(p[0] == 0 && memcmp(p, p + 1, 79999) == 0);
    cr_assert_eq(stats_now().regions, 2);
}

Test(pageheap, refused_from_the_start, .init = refuse) { no_release(); }
Test(pageheap, contents_that_stay, .init = keep_contents) { no_release(); }

/* It keeps nothing from being given back elsewhere, to the last page, whether it is older or younger. */
Test(pageheap, other_regions_are_given_back) {
    struct cmem__span *a = span_alloc(10000);
    os.keep_contents = true;
    struct cmem__span *b = span_alloc(10000);
    os.keep_contents = false;
    struct cmem__span *c = span_alloc(10000);
    cr_assert(a->region->releases && !b->region->releases && c->region->releases);
    span_free(a);
    span_free(b);
    span_free(c);
    for (unsigned i = 0; i < 50; i++) cmem__pages_release(1000 * MIB, NEVER);
    cr_assert_eq(free_resident_pages(), 10000, "%zu pages", free_resident_pages());
    cr_assert_eq(released_pages() + free_resident_pages(), stats_now().heap_idle / PAGE_SIZE);
    cr_assert_eq(scavenge(0), 10000, "the region that only free gives back");
    cr_assert_eq(free_resident_pages(), 0);
}

/* A region that is free goes back by free: where pages are kept, and where they are refused later;
 * when it was idle, and at once where everything is asked for. */
static void goes_by_free(bool later) {
    uint64_t half_the_uptime = cmem__now() / 2;
    span_alloc(FIRST_PAGES);
    for (unsigned i = 0; i < 2; i++) {
        os.refuse_release = !later;
        struct cmem__span *s = span_alloc(6000);
        uintptr_t base = s->base;
        os.refuse_release = true;
        touch(s);
        span_free(s);
        size_t before = stats_now().scavenges;
        cr_assert_eq(scavenge(i == 0 ? UINT64_MAX : half_the_uptime), 0);
        for (unsigned k = 0; k < 3; k++) cmem__pages_release(1000 * MIB, NEVER);
        os.refused = 0;
        for (unsigned k = 0; k < 3; k++) cmem__pages_release(1000 * MIB, NEVER);
        cr_assert_eq(os.refused, 0, "it is still tried");
        cr_assert_eq(stats_now().regions, 2);
        if (i == 0) span_at(base)->unused_since = 0;
        cr_assert_eq(scavenge(i == 0 ? half_the_uptime : 0), REGION_SIZE / PAGE_SIZE);
        cr_assert_eq(stats_now().regions, 1);
        cr_assert_not(is_mapped(base));
        cr_assert_eq(stats_now().scavenges, before);
    }
}

Test(pageheap, free_region_that_releases_nothing) { goes_by_free(false); }
Test(pageheap, free_region_whose_release_is_refused) { goes_by_free(true); }

/* All memory was locked while blocks are in use. Each release asks no more than a few times, then a
 * second nobody; everything is tried again where all is asked for, and found when it is
 * unlocked. */
Test(pageheap, refusals_do_not_add_up) {
    struct cmem__span *s[101];
    size_t npages[101];
    for (size_t i = 0; i < LEN(s); i++) npages[i] = i % 2 == 0 ? 1 : 40;
    span_alloc(FIRST_PAGES);
    lay_out(s, npages, LEN(s));
    for (size_t i = 1; i < LEN(s); i += 2) span_free(s[i]);
    os.refuse_release = true;
    for (unsigned i = 0; i < 20; i++) cmem__pages_release(1000 * MIB, NEVER);
    cr_assert_eq(os.refused, 16, "%u times", os.refused);
    cr_assert_eq(scavenge(0), 0);
    cr_assert_eq(os.refused, 32);
    cmem__pages_limit(0); /* every allocation gives back what is beyond the limit */
    cmem__pages_limit(stats_now().heap_inuse + 10 * PAGE_SIZE);
    for (unsigned i = 0; i < 10; i++) span_alloc(1);
    cr_assert_eq(os.refused, 32);
    os.refuse_release = false;
    cr_assert_eq(scavenge(0), 50 * 40 - 10);
}

/* One block that is locked, the oldest: the others go. */
Test(pageheap, one_locked_span) {
    struct cmem__span *s[6];
    span_alloc(FIRST_PAGES);
    lay_out(s, (size_t[]){40, 1, 400, 1, 40, 1}, 6);
    if (mlock((void *)s[0]->base, 40 * PAGE_SIZE) != 0) cr_skip_test("mlock is not allowed here");
    for (unsigned i = 0; i < 6; i += 2) span_free(s[i]);
    cmem__pages_release((480 - 256) * PAGE_SIZE, NEVER);
    cr_assert_eq(scavenge(0), 440 - (480 - 256));
    assert_free(s[0]->base, 40, SPAN_RESIDENT);
}

/* Over a limit it goes at once: it is of no use. */
Test(pageheap, limit_where_only_free_gives_back) {
    span_alloc(FIRST_PAGES);
    os.keep_contents = true;
    span_free(span_alloc(10000));
    span_alloc(9000);
    cr_assert_eq(free_resident_pages(), 1000);
    span_free(span_alloc(10000));
    cr_assert_eq(free_resident_pages(), 11000);
    cmem__pages_limit((FIRST_PAGES + 9000 + 1500) * PAGE_SIZE);
    cr_assert_eq(free_resident_pages(), 1000);
    cmem__check(true);
}

/* -------------------------------------------------------------------------------------------------- huge pages */

static void wait_for_the_next_look(void) {
    nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 20000000}, NULL);
}

/* What was given back, and the kernel filled again: found when somebody looks, and given back
 * again, without huge pages. */
Test(pageheap, released_memory_that_came_back) {
    struct cmem__span *s[6];
    span_alloc(FIRST_PAGES);
    lay_out(s, (size_t[]){40, 1, 40, 1, 2000, 1}, 6);
    uintptr_t base[3];
    for (size_t i = 0; i < 3; i++) base[i] = s[2 * i]->base;
    for (unsigned i = 0; i < 6; i += 2) span_free(s[i]);
    cr_assert_eq(scavenge(0), 2080);
    wait_for_the_next_look();
    cr_assert_eq(scavenge(1), 0);
    cr_assert_eq(os.small, 0);
    *(volatile char *)(base[0] + 39 * PAGE_SIZE) = 1;
    *(volatile char *)(base[2] + 1000 * PAGE_SIZE) = 1; /* in the middle nobody looks */
    *(volatile char *)(base[2] + 1999 * PAGE_SIZE) = 1;
    cr_assert_eq(scavenge(1), 0, "looked twice in a second");
    wait_for_the_next_look();
    cr_assert_eq(scavenge(0), 2080);
    cr_assert_eq(os.small, 1);
    for (unsigned i = 0; i < 3; i++) cr_assert_eq(resident_pages((void *)base[i], i == 2 ? 2000 : 40), 0);
    cr_assert_eq(released_pages(), 2080);
    struct cmem__span *again = span_alloc(2000);
    cr_assert(again->zeroed && words_are(again, 0));
    wait_for_the_next_look();
    scavenge(1);
    cr_assert_eq(os.small, 1);
}

/* Memory that was never given back may have huge pages. */
Test(pageheap, fresh_memory_is_not_looked_at) {
    span_alloc(FIRST_PAGES);
    struct cmem__span *s = span_alloc(1000);
    *(volatile char *)end_of(s) = 1;
    wait_for_the_next_look();
    scavenge(1);
    cr_assert_eq(os.small, 0);
}

/* ---------------------------------------------------------------------------------------------------- regions */

Test(pageheap, idle_regions_go_back_to_malloc) {
    struct cmem__span *small = span_alloc(10), *big = span_alloc(10000);
    uintptr_t base = big->base;
    touch(big);
    struct cmem_stats st = stats_now();
    cr_assert_eq(st.regions, 2);
    cr_assert_eq(st.heap_sys, REGION_FIRST + 10000 * PAGE_SIZE);
    span_free(big);
    cr_assert_eq(stats_now().regions, 2, "only scavenging unmaps");
    cr_assert_eq(scavenge(0), 10000);
    st = stats_now();
    cr_assert_eq(st.regions, 1);
    cr_assert_eq(st.heap_sys, REGION_FIRST);
    cr_assert_not(is_mapped(base));
    cr_assert_null(span_at(base));
    span_free(small);
}

Test(pageheap, first_region_stays) {
    span_free(span_alloc(1));
    cr_assert_eq(scavenge(0), 1);
    struct cmem_stats st = stats_now();
    cr_assert_eq(st.regions, 1);
    cr_assert_eq(st.heap_sys, REGION_FIRST);
    cr_assert_eq(st.heap_released, REGION_FIRST);
}

Test(pageheap, region_with_a_block_stays) {
    struct cmem__span *a = span_alloc(4000), *b = span_alloc(4000);
    cr_assert_eq(a->region, b->region);
    uintptr_t base = a->base;
    span_free(a);
    cr_assert_eq(scavenge(0), 4000);
    cr_assert_eq(stats_now().regions, 1);
    cr_assert(is_mapped(base));
    span_free(b);
    cr_assert_eq(scavenge(0), 4000);
    cr_assert_eq(stats_now().regions, 0);
    cr_assert_eq(stats_now().heap_sys, 0);
}

/* Each by the time that it has been wholly released. */
Test(pageheap, idle_regions_go_one_by_one) {
    struct cmem__span *s[3];
    uintptr_t base[3];
    uint64_t half_the_uptime = cmem__now() / 2;
    for (unsigned i = 0; i < 3; i++) base[i] = (s[i] = span_alloc(10000))->base;
    for (unsigned i = 0; i < 3; i++) span_free(s[i]);
    for (unsigned i = 0; i < 3; i++) span_at(base[i])->unused_since = 0;
    cr_assert_eq(scavenge(half_the_uptime), 30000);
    cr_assert_eq(stats_now().regions, 3, "they have been released for a moment");
    struct cmem__span *again = span_alloc(10000);
    size_t taken = again->base == base[0] ? 0 : again->base == base[1] ? 1 : 2;
    for (size_t i = 0, left = 3; i < 3; i++) {
        if (i == taken) continue;
        span_at(base[i])->unused_since = 0;
        scavenge(half_the_uptime);
        cr_assert_eq(stats_now().regions, --left);
        cr_assert_null(span_at(base[i]));
    }
    span_free(again);
    scavenge(0);
    cr_assert_eq(stats_now().regions, 0);
}

/* While one thread asks malloc for a region another needs pages too: it waits for that one. */
static pthread_t waiting;

static void *alloc_one(void *out) {
    *(struct cmem__span **)out = cmem__pages_alloc(1, 1, SPAN_LARGE, NUM_CLASSES - 1);
    return NULL;
}

static struct cmem__span *got_meanwhile, *given_meanwhile;

static void alloc_meanwhile(void) {
    os.in_region = NULL;
    cr_assert_eq(pthread_create(&waiting, NULL, alloc_one, &got_meanwhile), 0);
    nanosleep(&(struct timespec){.tv_nsec = 50000000},
              NULL); /* for it to get a region of its own, if it does */
}

Test(pageheap, one_region_for_two_threads) {
    os.in_region = alloc_meanwhile;
    struct cmem__span *s = span_alloc(1);
    pthread_join(waiting, NULL);
    cr_assert_not_null(got_meanwhile);
    cr_assert_eq(got_meanwhile->region, s->region);
    cr_assert_eq(stats_now().regions, 1);
}

/* Malloc has none for the one that asks first: the other one asks for itself. */
static void refuse_the_first(void) {
    alloc_meanwhile();
    os.refuse_regions = 5; /* of 1 MiB down to 64 KiB */
}

Test(pageheap, region_that_is_refused_to_one_of_two_threads) {
    os.in_region = refuse_the_first;
    errno = 0;
    cr_assert_null(cmem__pages_alloc(1, 1, SPAN_LARGE, NUM_CLASSES - 1));
    cr_assert_eq(errno, ENOMEM);
    pthread_join(waiting, NULL);
    cr_assert_not_null(got_meanwhile);
    cmem__check(true);
    cr_assert_eq(stats_now().regions, 1);
}

static void free_meanwhile(void) {
    os.in_region = NULL;
    span_free(given_meanwhile);
}

Test(pageheap, region_that_was_not_needed_after_all) {
    struct cmem__span *s[2];
    lay_out(s, (size_t[]){20, 1}, 2);
    uintptr_t base = s[0]->base;
    given_meanwhile = s[0];
    os.in_region = free_meanwhile;
    cr_assert_eq(span_alloc(20)->base, base);
    cr_assert_eq(stats_now().regions, 2);
    cr_assert_eq(scavenge(0), 0, "it was never resident");
    cr_assert_eq(stats_now().regions, 1);
}

Test(pageheap, size_of_regions) {
    static const size_t npages[] = {257, 8208, 8209, 8224, 8225, 100000};
    for (size_t i = 0; i < LEN(npages); i++) {
        struct cmem__span *s = span_alloc(npages[i]);
        size_t bytes = npages[i] * PAGE_SIZE, want = (bytes + REGION_ALIGN - 1) / REGION_ALIGN * REGION_ALIGN;
        if (want < REGION_SIZE) want = REGION_SIZE;
        cr_assert_eq(s->region->npages * PAGE_SIZE, want);
        cr_assert_eq(s->region->base % REGION_ALIGN, 0);
        span_free(s);
        scavenge(0);
        cr_assert_eq(stats_now().regions, 0);
    }
}

/* -------------------------------------------------------------------------------------------- locks and errno */

static unsigned nested_calls;

/* Takes every lock there is: a debug build panics, others hang, if one of them is held already. */
static void use_the_heap(void) {
    static bool inside;
    if (inside) return;
    inside = true;
    nested_calls++;
    cmem_free(cmem_alloc(50));
    cmem__check(false);
    (void)stats_now();
    inside = false;
}

static void use_the_heap_in_release(uintptr_t base, size_t bytes) {
    (void)base;
    (void)bytes;
    use_the_heap();
}

Test(pageheap, no_lock_is_held_across_a_call_to_the_system) {
    cmem_free(cmem_alloc(50)); /* while the heap grows, there is a block of 50 bytes: nobody has to wait */
    os.in_release = use_the_heap_in_release;
    os.in_region = os.in_map = use_the_heap;
    struct cmem__span *s = span_alloc(9000);
    unsigned growing = nested_calls;
    cr_assert_gt(growing, 0);
    cmem__pages_free(s);
    cr_assert_gt(cmem_scavenge(0), 0);
    cr_assert_gt(nested_calls, growing);
    for (unsigned i = 0; i < 3000; i++) (void)span_alloc(1); /* descriptors: metadata */
}

/* Somebody frees the neighbours of a span, and allocates them, while it is on its way to the operating system. */
static struct cmem__span *left_of_busy, *right_of_busy;

static void free_the_neighbours(uintptr_t base, size_t bytes) {
    os.in_release = NULL;
    cr_assert_eq(span_at(base)->kind, SPAN_BUSY);
    struct cmem_stats st = stats_now();
    cr_assert_eq(st.heap_idle - st.heap_released, bytes);
    span_free(left_of_busy);
    span_free(right_of_busy);
    cr_assert_neq(span_alloc(10)->base, base, "a span that is on its way was handed out");
}

Test(pageheap, neighbours_of_a_span_on_its_way) {
    struct cmem__span *s[4];
    lay_out(s, (size_t[]){10, 10, 10, 1}, 4);
    uintptr_t base = s[0]->base;
    left_of_busy = s[0];
    right_of_busy = s[2];
    span_free(s[1]);
    os.in_release = free_the_neighbours;
    cmem_scavenge(0);
    cmem__check(true);
    cr_assert_eq(span_at(base)->kind, SPAN_LARGE, "the lowest free span was taken meanwhile");
    scavenge(0);
    assert_free(base + 10 * PAGE_SIZE, 20, SPAN_RELEASED);
}

/* ------------------------------------------------------------------------------------------------- what check sees */

Test(pageheap, check_sees_an_extent_that_is_too_long, .signal = SIGABRT, .init = cr_redirect_stderr) {
    struct cmem__span *s[2];
    lay_out(s, (size_t[]){32, 1}, 2); /* 33 pages are of the same bin */
    span_free(s[0]);
    s[0]->extent_pages++;
    cmem__check(true);
}

Test(pageheap, check_sees_ages_out_of_order, .signal = SIGABRT, .init = cr_redirect_stderr) {
    struct cmem__span *s[4];
    lay_out(s, (size_t[]){20, 1, 20, 1}, 4);
    span_free(s[0]);
    span_free(s[2]);
    s[2]->unused_since = 0;
    cmem__check(true);
}

/* ------------------------------------------------------------------------------------------------- random walk */

static void set_words(const struct cmem__span *s, uint64_t key) {
    for (size_t i = 0; i < s->npages; i++) *(uint64_t *)(s->base + i * PAGE_SIZE) = key;
}

/* The free runs of the regions that the walk has seen, before an allocation. */
static struct cmem__region *known[64];
static struct run {
    uintptr_t base, end;
    bool resident;
} run[4096];
static size_t nruns;

static void note_region(struct cmem__region *r) {
    size_t i = 0;
    while (known[i] != NULL && known[i] != r) i++;
    cr_assert_lt(i, LEN(known) - 1);
    known[i] = r;
}

static void note_runs(void) {
    nruns = 0;
    for (size_t i = 0; known[i] != NULL; i++) {
        uintptr_t end = known[i]->base + known[i]->npages * PAGE_SIZE;
        for (uintptr_t a = known[i]->base; a < end;) {
            struct cmem__span *s = pagemap_span(a);
            a = end_of(s);
            if (s->kind != SPAN_RESIDENT && s->kind != SPAN_RELEASED) continue;
            cr_assert_lt(nruns, LEN(run));
            run[nruns++] = (struct run){s->base, a, s->kind == SPAN_RESIDENT};
        }
    }
}

/* What the walk has come by. */
static struct { unsigned mixed, of_many, aligned, grown, trims, partial; } seen;

/* The pages of s are all from runs that were free, or of a new region. Returns how many of them were released. */
static size_t account(const struct cmem__span *s, bool aligned) {
    size_t from = 0, resident = 0, released = 0;
    for (size_t i = 0; i < nruns; i++) {
        uintptr_t lo = run[i].base > s->base ? run[i].base : s->base;
        uintptr_t hi = run[i].end < end_of(s) ? run[i].end : end_of(s);
        if (lo >= hi) continue;
        from++;
        *(run[i].resident ? &resident : &released) += (hi - lo) / PAGE_SIZE;
    }
    if (from == 0) {
        seen.grown++;
        return s->npages;
    }
    cr_assert_eq(resident + released, s->npages, "pages that were not free were handed out");
    if (s->zeroed) cr_assert_eq(resident, 0);
    seen.mixed += resident > 0 && released > 0;
    seen.of_many += from > 2;
    seen.aligned += aligned && from > 1;
    return released;
}

/* Allocates, and accounts for every page: those of the span were free, what of them was released is
 * resident now, and as much else is released as was moved. */
static struct cmem__span *walk_alloc(uint64_t *seed) {
    size_t align = pick(seed, 4) == 0 ? (size_t)1 << pick(seed, 9) : 1, npages = pick_log(seed, 1, 1500);
    struct cmem_stats before = stats_now();
    unsigned calls = os.moves;
    note_runs();
    struct cmem__span *s = cmem__pages_alloc(npages, align, SPAN_LARGE, NUM_CLASSES - 1);
    cr_assert_not_null(s);
    cr_assert_eq(s->npages, npages);
    cr_assert_eq(s->base % (align * PAGE_SIZE), 0);
    if (s->zeroed) cr_assert(words_are(s, 0), "pages known to be zero are not");
    note_region(s->region);
    struct cmem_stats after = stats_now();
    size_t released = account(s, align > 1) * PAGE_SIZE, grown = after.heap_sys - before.heap_sys;
    size_t moved = after.moved_bytes - before.moved_bytes;
    cr_assert_eq(after.heap_released, before.heap_released + grown - released + moved);
    if (os.moves == calls) cr_assert_eq(moved, 0);
    return s;
}

/* Trims s, at random, or frees it. Returns the pages it keeps. */
static size_t walk_free(uint64_t *seed, struct cmem__span *s) {
    size_t keep = pick(seed, s->npages);
    if (keep > 0) {
        cr_assert(cmem__pages_trim(s, keep));
        seen.trims++;
    } else {
        cmem__pages_free(s);
    }
    return keep;
}

/* Gives back everything, or what has been idle for some ticks of the clock, or as much as may be. */
static void walk_scavenge(uint64_t *seed) {
    size_t resident = free_resident_pages() * PAGE_SIZE, how = pick(seed, 3);
    os.released = 0;
    size_t bytes = how == 0   ? cmem_scavenge(0)
                   : how == 1 ? cmem_scavenge(10000000)
                              : cmem__pages_release(pick(seed, 2 * resident + PAGE_SIZE), NEVER);
    cr_assert_eq(os.released, bytes);
    cr_assert_eq(free_resident_pages() * PAGE_SIZE, resident - bytes);
    if (how == 0) cr_assert_eq(bytes, resident);
    seen.partial += how == 2 && bytes > 0 && bytes < resident;
    for (size_t i = 0, n = 0; i < LEN(known); i++) {
        struct cmem__region *r = known[i];
        known[i] = NULL;
        if (r != NULL && span_at(r->base) != NULL) known[n++] = r;
    }
}

/* Every page of a live span carries its key: a page that two spans have, or that was given back, is seen. */
Test(pageheap, random_walk) {
    enum { N = 60, STEPS = 4000 };
    struct cmem__span *live[N] = {NULL};
    uint64_t seed = test_seed("pageheap"), key[N];
    size_t inuse = 0;
    for (unsigned step = 1; step <= STEPS; step++) {
        size_t i = pick(&seed, N);
        if (live[i] == NULL) {
            live[i] = walk_alloc(&seed);
            key[i] = step;
            set_words(live[i], step);
            inuse += live[i]->npages;
        } else {
            cr_assert(words_are(live[i], key[i]), "the contents of a live span changed");
            inuse -= live[i]->npages;
            size_t keep = walk_free(&seed, live[i]);
            inuse += keep;
            if (keep == 0) live[i] = NULL;
        }
        if (pick(&seed, 40) == 0) walk_scavenge(&seed);
        cmem__check(true);
        cr_assert_eq(stats_now().heap_inuse, inuse * PAGE_SIZE);
    }
    for (unsigned i = 0; i < N; i++) {
        if (live[i] == NULL) continue;
        cr_assert(words_are(live[i], key[i]));
        span_free(live[i]);
    }
    scavenge(0);
    struct cmem_stats st = stats_now();
    cr_assert_eq(st.heap_inuse, 0);
    cr_assert_leq(st.regions, 1);
    cr_assert_eq(st.heap_idle, st.heap_released);
    cr_assert(seen.mixed > 50 && seen.of_many > 10 && seen.aligned > 5 && seen.grown > 1 &&
                  seen.trims > 500 && seen.partial > 0,
              "%u of released and resident spans, %u of three or more, %u aligned, %u of new regions, %u "
              "trims, %u released in part",
              seen.mixed, seen.of_many, seen.aligned, seen.grown, seen.trims, seen.partial);
    if (kernel_moves_pages()) cr_assert_gt(st.moved_bytes, 0);
}

/* The same while releases are refused, or leave contents where they are, now and then. */
Test(pageheap, random_walk_with_refusals) {
    enum { N = 40, STEPS = 1000 };
    struct cmem__span *live[N] = {NULL};
    uint64_t seed = test_seed("pageheap refusals"), key[N];
    unsigned stuck = 0, kept = 0;
    /* Some seeds need longer until enough of either kind of region was met. */
    for (unsigned step = 1; step <= STEPS || (step <= 20 * STEPS && (stuck <= 5 || kept <= 5)); step++) {
        size_t i = pick(&seed, N);
        if (pick(&seed, 50) == 0) os.refuse_release = !os.refuse_release;
        os.keep_contents = false;
        if (live[i] == NULL) {
            os.keep_contents = pick(&seed, 4) == 0; /* of a new region */
            size_t npages = pick(&seed, 20) == 0 ? 9000 : pick_log(&seed, 1, 1500);
            live[i] = cmem__pages_alloc(npages, 1, SPAN_LARGE, NUM_CLASSES - 1);
            os.keep_contents = false;
            cr_assert_not_null(live[i]);
            kept += !live[i]->region->releases;
            stuck += live[i]->region->refused;
            if (live[i]->zeroed) cr_assert(words_are(live[i], 0), "pages known to be zero are not");
            set_words(live[i], key[i] = step);
        } else {
            cr_assert(words_are(live[i], key[i]), "the contents of a live span changed");
            if (walk_free(&seed, live[i]) == 0) live[i] = NULL;
        }
        if (pick(&seed, 20) == 0) cmem_scavenge(pick(&seed, 2) * 10000000);
        if (pick(&seed, 10) == 0) cmem__pages_release(1000 * MIB, NEVER);
        if (pick(&seed, 40) == 0) { /* everything is free at times */
            for (size_t k = 0; k < N; k++) {
                if (live[k] != NULL) cmem__pages_free(live[k]);
                live[k] = NULL;
            }
        }
        if (step % 4 == 0) cmem__check(true);
    }
    for (size_t k = 0; k < N; k++)
        if (live[k] != NULL) span_free(live[k]);
    scavenge(0);
    cr_assert_leq(stats_now().regions, 1);
    cr_assert(stuck > 5 && kept > 5, "%u in regions that refuse, %u that keep their contents", stuck, kept);
}
