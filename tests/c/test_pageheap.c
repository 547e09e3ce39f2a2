/* test_pageheap.c: which pages are handed out, how they come back, and what the operating system gets. */
#include "fake_os.h"

#include <criterion/criterion.h>

#define FIRST_PAGES (REGION_FIRST >> PAGE_SHIFT)

/* Each test begins with an empty heap, and so with the first region of 256 cold pages. */
static struct cmem__span *take(size_t npages) {
    struct cmem__span *s = cmem__pages_alloc(npages, 1, SPAN_LARGE, NUM_CLASSES - 1);
    cr_assert_not_null(s);
    cr_assert_eq(s->npages, npages);
    cmem__check(true);
    return s;
}

static void give(struct cmem__span *s) {
    cmem__pages_free(s);
    cmem__check(true);
}

static size_t scavenge(uint64_t idle_ns) {
    size_t bytes = cmem_scavenge(idle_ns);
    cmem__check(true);
    cr_assert_eq(bytes % PAGE_SIZE, 0);
    return bytes / PAGE_SIZE;
}

static struct cmem__span *span_at(uintptr_t a) {
    cmem__pages_lock();
    struct cmem__span *s = cmem__pages_find(a);
    cmem__pages_unlock();
    return s;
}

static void assert_free(uintptr_t base, size_t npages, enum cmem__kind kind) {
    struct cmem__span *s = span_at(base);
    cr_assert_eq(s->base, base);
    cr_assert_eq(s->npages, npages, "%zu pages, not %zu", s->npages, npages);
    cr_assert_eq(s->kind, kind);
}

static size_t released_pages(void) { return stats_now().heap_released / PAGE_SIZE; }

/* Touches every page of s. */
static void touch(const struct cmem__span *s) { memset((void *)s->base, 1, s->npages * PAGE_SIZE); }

/* Takes spans of the given lengths, one after the other, and fills the rest of the first region. */
static void lay_out(struct cmem__span **out, const size_t *npages, size_t n) {
    size_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        out[i] = take(npages[i]);
        cr_assert_eq(out[i]->base, out[0]->base + sum * PAGE_SIZE);
        sum += npages[i];
    }
    if (sum < FIRST_PAGES) take(FIRST_PAGES - sum);
    cr_assert_eq(stats_now().regions, 1);
    cr_assert_eq(stats_now().heap_idle, 0);
}

/* ------------------------------------------------------------------------------------------------- choice */

Test(pageheap, best_fit) {
    struct cmem__span *s[6];
    lay_out(s, (size_t[]){10, 1, 5, 1, 8, 1}, 6);
    uintptr_t ten = s[0]->base, five = s[2]->base, eight = s[4]->base;
    give(s[0]);
    give(s[2]);
    give(s[4]);
    struct cmem__span *got = take(5);
    cr_assert_eq(got->base, five);
    cr_assert_eq(take(6)->base, eight);
    cr_assert_eq(take(2)->base, eight + 6 * PAGE_SIZE, "the rest of the eight is the best fit now");
    cr_assert_eq(take(9)->base, ten);
    give(got);
    cr_assert_eq(take(4)->base, five);
}

/* From 16 pages on a bin holds several lengths: the one for 32 also 33, 34 and 35. */
Test(pageheap, best_fit_within_a_bin_of_many_lengths) {
    struct cmem__span *s[6];
    lay_out(s, (size_t[]){32, 1, 35, 1, 36, 1}, 6);
    uintptr_t b35 = s[2]->base, b36 = s[4]->base;
    give(s[0]);
    give(s[2]);
    give(s[4]);
    cr_assert_eq(take(33)->base, b35);
    cr_assert_eq(take(34)->base, b36);
    cr_assert_eq(stats_now().regions, 1);
}

Test(pageheap, lowest_address_first) {
    struct cmem__span *s[6];
    lay_out(s, (size_t[]){7, 1, 7, 1, 7, 1}, 6);
    uintptr_t base[3] = {s[0]->base, s[2]->base, s[4]->base};
    give(s[2]);
    give(s[4]);
    give(s[0]);
    for (unsigned i = 0; i < 3; i++) cr_assert_eq(take(7)->base, base[i]);
}

Test(pageheap, hot_before_cold) {
    struct cmem__span *s[4];
    lay_out(s, (size_t[]){4, 1, 20, 1}, 4);
    uintptr_t four = s[0]->base, twenty = s[2]->base;
    give(s[0]);
    cr_assert_eq(scavenge(0), 4);
    give(s[2]);
    struct cmem__span *got = take(4);
    cr_assert_eq(got->base, twenty, "a cold span that fits exactly was preferred to a resident one");
    cr_assert_not(got->zeroed);
    take(16);
    got = take(4);
    cr_assert_eq(got->base, four);
    cr_assert(got->zeroed);
}

Test(pageheap, fresh_memory_is_known_to_be_zero) {
    struct cmem__span *s = take(9);
    cr_assert(s->zeroed);
    give(s);
    s = take(9);
    cr_assert_not(s->zeroed);
}

/* ---------------------------------------------------------------------------------------------- coalescing */

Test(pageheap, coalesces_on_both_sides_in_any_order) {
    static const unsigned order[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct cmem__span *left = take(1);
    for (unsigned i = 0; i < 6; i++) {
        struct cmem__span *s[3] = {take(3), take(4), take(5)}, *right = take(1);
        uintptr_t base = s[0]->base;
        cr_assert_eq(right->base, base + 12 * PAGE_SIZE);
        for (unsigned j = 0; j < 3; j++) give(s[order[i][j]]);
        assert_free(base, 12, SPAN_HOT);
        give(right);
    }
    give(left);
}

Test(pageheap, hot_and_cold_are_never_merged) {
    struct cmem__span *s[3];
    lay_out(s, (size_t[]){4, 4, 4}, 3);
    uintptr_t base = s[0]->base, mid = s[1]->base, end = s[2]->base;
    give(s[0]);
    give(s[2]);
    cr_assert_eq(scavenge(0), 8);
    give(s[1]);
    assert_free(base, 4, SPAN_COLD);
    assert_free(mid, 4, SPAN_HOT);
    assert_free(end, 4, SPAN_COLD);
    cr_assert_eq(released_pages(), 8);
    cr_assert_eq(scavenge(0), 4);
    assert_free(base, 12, SPAN_COLD);
}

/* Where malloc puts two regions side by side, a span must not lie across: each is freed on its own. */
Test(pageheap, regions_are_never_merged) {
    size_t npages = REGION_SIZE >> PAGE_SHIFT;
    char *map = mmap(NULL, 3 * REGION_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    os.region_at = (char *)(((uintptr_t)map + REGION_ALIGN - 1) & ~(REGION_ALIGN - 1));
    struct cmem__span *a = take(npages), *b = take(npages);
    uintptr_t base = a->base;
    cr_assert_eq(b->base, base + REGION_SIZE);
    for (unsigned order = 0; order < 2; order++) {
        give(order == 0 ? a : b);
        give(order == 0 ? b : a);
        assert_free(base, npages, SPAN_HOT);
        assert_free(base + REGION_SIZE, npages, SPAN_HOT);
        a = take(npages);
        b = take(npages);
    }
    give(a);
    give(b);
    os.region_at = NULL;
    take(npages + 1);
    cr_assert_eq(stats_now().regions, 3);
}

/* ---------------------------------------------------------------------------------- runs of hot and cold pages */

Test(pageheap, mixed_run_before_the_heap_grows) {
    struct cmem__span *s[4];
    lay_out(s, (size_t[]){4, 4, 4, 1}, 4);
    uintptr_t base = s[0]->base;
    give(s[0]);
    give(s[2]);
    cr_assert_eq(scavenge(0), 8);
    give(s[1]);
    struct cmem__span *got = take(10);
    cr_assert_eq(got->base, base + 2 * PAGE_SIZE,
                 "a run grows around its hot span: to the right, then to the left");
    cr_assert_not(got->zeroed);
    cr_assert_eq(stats_now().regions, 1);
    assert_free(base, 2, SPAN_COLD);
    cr_assert_eq(released_pages(), 2);
    give(got);
    assert_free(base + 2 * PAGE_SIZE, 10, SPAN_HOT);
}

Test(pageheap, run_around_a_hot_span_before_a_cold_one) {
    struct cmem__span *s[5];
    lay_out(s, (size_t[]){20, 1, 4, 16, 1}, 5);
    uintptr_t hot = s[2]->base;
    give(s[0]);
    give(s[3]);
    scavenge(0);
    give(s[2]);
    struct cmem__span *got = take(17); /* fits the cold span of 20, but would fault in every page */
    cr_assert_eq(got->base, hot);
    assert_free(s[4]->base - 3 * PAGE_SIZE, 3, SPAN_COLD);
}

/* A hot span that is short of what is asked for by a factor of more than 8 is not worth splitting cold ones over. */
Test(pageheap, lowest_cold_span_before_a_small_hot_one) {
    struct cmem__span *s[6];
    lay_out(s, (size_t[]){40, 1, 30, 1, 30, 1}, 6);
    uintptr_t low = s[0]->base;
    give(s[0]);
    give(s[2]);
    scavenge(0);
    give(s[3]); /* one hot page beside the cold 30 */
    cr_assert_eq(take(29)->base, low, "the lowest, not the best fit");
}

/* -------------------------------------------------------------------------------------------------- settling */

Test(pageheap, settle_leaves_the_headroom) {
    size_t headroom = ((size_t)4 << 20) >> PAGE_SHIFT;
    struct cmem__span *a = take(headroom + 100), *b = take(1);
    give(a);
    cr_assert_eq(cmem__pages_settle(), 100 * PAGE_SIZE);
    cr_assert_eq(cmem__pages_settle(), 0, "settled twice");
    cr_assert_eq(stats_now().heap_idle - stats_now().heap_released, headroom * PAGE_SIZE);
    cmem__check(true);
    struct cmem__span *c = take(16 * headroom);
    give(take(3 * headroom));
    cmem__pages_settle();
    size_t hot = (stats_now().heap_idle - stats_now().heap_released) >> PAGE_SHIFT;
    cr_assert_eq(hot, (16 * headroom + 1) / 8, "an eighth of what is in use");
    give(b);
    give(c);
    cmem__check(true);
}

Test(pageheap, mixed_run_does_not_reach_over_a_block) {
    struct cmem__span *s[5];
    lay_out(s, (size_t[]){4, 4, 1, 4, 4}, 5);
    give(s[0]);
    give(s[3]);
    scavenge(0);
    give(s[1]);
    give(s[4]);
    take(9);
    cr_assert_eq(stats_now().regions, 2);
}

/* An aligned span needs a longer run than it keeps; what is left of one that was cut out of a hot span must be
 * coalesced with the rest of that span. */
Test(pageheap, aligned_span_out_of_a_mixed_run) {
    for (size_t align = 2; align <= 16; align *= 2) {
        for (size_t lead = 1; lead <= align; lead += align - 1) {
            struct cmem__span *s[5];
            lay_out(s, (size_t[]){lead, 6, 6, 10, 1}, 5);
            struct cmem__span *filler = span_at(s[4]->base + PAGE_SIZE);
            give(s[2]);
            scavenge(0);
            give(s[1]);
            give(s[3]);
            struct cmem__span *got = cmem__pages_alloc(18 - align, align, SPAN_LARGE, NUM_CLASSES - 1);
            cmem__check(true);
            cr_assert_eq(stats_now().regions, 1);
            cr_assert_eq(got->base % (align * PAGE_SIZE), 0);
            give(got);
            give(s[0]);
            give(s[4]);
            give(filler);
            scavenge(0);
            cr_assert_eq(released_pages(), FIRST_PAGES);
        }
    }
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
    cr_assert_eq(stats_now().heap_inuse, 39 * PAGE_SIZE, "what alignment cuts off is not free");
    for (unsigned i = 0; i <= 12; i++) give(s[i]);
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
        cr_assert_null(cmem__pages_alloc(impossible[i][0], impossible[i][1], SPAN_HUGE, 0));
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
    assert_free(base + 5 * PAGE_SIZE, 15, SPAN_HOT);
    cr_assert(cmem__pages_trim(s[0], 1));
    assert_free(base + PAGE_SIZE, 19, SPAN_HOT);
    give(s[0]);
    assert_free(base, 20, SPAN_HOT);
}

/* ------------------------------------------------------------------------------------------------ scavenging */

Test(pageheap, scavenge_gives_back_exactly_what_is_idle) {
    struct cmem__span *s[6];
    lay_out(s, (size_t[]){40, 1, 30, 1, 30, 1}, 6);
    uintptr_t base = s[0]->base;
    for (unsigned i = 0; i < 6; i++) touch(s[i]);
    for (unsigned i = 0; i < 6; i += 2) give(s[i]);
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

    struct cmem__span *again = take(10);
    cr_assert(again->zeroed);
    cr_assert_eq(*(char *)again->base, 0);
    cr_assert_eq(released_pages(), 90);
}

/* Ages are set by hand: 0 is before the machine was started. */
Test(pageheap, scavenge_spares_what_was_used_lately) {
    struct cmem__span *s[6];
    lay_out(s, (size_t[]){20, 1, 20, 1, 20, 1}, 6);
    for (unsigned i = 0; i < 6; i += 2) give(s[i]);
    cr_assert_eq(scavenge(UINT64_MAX), 0);
    s[0]->unused_since = 0;
    uint64_t half_the_uptime = cmem__now() / 2;
    cr_assert_eq(scavenge(half_the_uptime), 20);
    cr_assert_eq(s[0]->kind, SPAN_COLD);
    cr_assert_eq(s[2]->kind, SPAN_HOT);
    s[2]->unused_since = 0;
    cr_assert_eq(scavenge(half_the_uptime), 20);
    cr_assert_eq(s[4]->kind, SPAN_HOT);
    cr_assert_eq(scavenge(0), 20);
}

/* A span that grew is as young as its youngest page. */
Test(pageheap, age_of_a_coalesced_span) {
    struct cmem__span *s[3];
    lay_out(s, (size_t[]){20, 20, 1}, 3);
    uintptr_t base = s[0]->base;
    give(s[0]);
    s[0]->unused_since = 0;
    give(s[1]);
    assert_free(base, 40, SPAN_HOT);
    cr_assert_gt(span_at(base)->unused_since, 0);
    cr_assert_eq(scavenge(cmem__now() / 2), 0);
}

/* One that shrank keeps its age. */
Test(pageheap, age_of_the_rest_of_a_span) {
    struct cmem__span *s[2];
    lay_out(s, (size_t[]){40, 1}, 2);
    give(s[0]);
    s[0]->unused_since = 0;
    struct cmem__span *got = take(8);
    cr_assert_eq(span_at(got->base + 8 * PAGE_SIZE)->unused_since, 0);
    cr_assert_eq(scavenge(cmem__now() / 2), 32);
}

Test(pageheap, short_runs_are_left_unless_all_is_asked_for) {
    struct cmem__span *s[4];
    lay_out(s, (size_t[]){15, 1, 16, 1}, 4);
    give(s[0]);
    give(s[2]);
    s[0]->unused_since = s[2]->unused_since = 0;
    cr_assert_eq(scavenge(1), 16);
    cr_assert_eq(scavenge(0), 15);
}

Test(pageheap, oldest_first) {
    static uintptr_t seen[8];
    static unsigned nseen;
    struct cmem__span *s[6];
    lay_out(s, (size_t[]){20, 1, 20, 1, 20, 1}, 6);
    uintptr_t want[3] = {s[2]->base, s[4]->base, s[0]->base};
    give(s[2]);
    give(s[4]);
    give(s[0]);
    void record(uintptr_t base, size_t bytes) {
        cr_assert_eq(bytes, 20 * PAGE_SIZE);
        seen[nseen++] = base;
    }
    os.in_release = record;
    cr_assert_eq(scavenge(0), 60);
    cr_assert_eq(nseen, 3);
    for (unsigned i = 0; i < 3; i++) cr_assert_eq(seen[i], want[i]);
}

Test(pageheap, refused_pages_stay_resident) {
    struct cmem__span *s[2];
    lay_out(s, (size_t[]){20, 1}, 2);
    touch(s[0]);
    uintptr_t base = s[0]->base;
    give(s[0]);
    os.refuse_release = true;
    errno = EBUSY;
    cr_assert_eq(scavenge(0), 0);
    cr_assert_eq(errno, EBUSY);
    assert_free(base, 20, SPAN_HOT);
    cr_assert_eq(released_pages(), 0);
    cr_assert_eq(stats_now().scavenges, 0);
    cr_assert_not(take(20)->zeroed);
}

Test(pageheap, pages_that_are_locked_in_memory) {
    struct cmem__span *s[2];
    lay_out(s, (size_t[]){4, 1}, 2);
    void *p = (void *)s[0]->base;
    if (mlock(p, 4 * PAGE_SIZE) != 0) cr_skip_test("mlock is not allowed here");
    give(s[0]);
    cr_assert_eq(scavenge(0), 0);
    cr_assert_eq(resident_pages(p, 4), 4);
    munlock(p, 4 * PAGE_SIZE);
    cr_assert_eq(scavenge(0), 4);
    cr_assert_eq(resident_pages(p, 4), 0);
}

/* A region whose first madvise fails may hold anything: it must not count as zero. */
Test(pageheap, region_that_cannot_be_released_is_not_zero) {
    os.refuse_release = true;
    cr_assert_not(take(3)->zeroed);
    cr_assert_eq(released_pages(), 0);
    os.refuse_release = false;
    cr_assert_eq(scavenge(0), FIRST_PAGES - 3);
}

/* ---------------------------------------------------------------------------------------------------- regions */

Test(pageheap, idle_regions_go_back_to_malloc) {
    struct cmem__span *small = take(10), *big = take(10000);
    uintptr_t base = big->base;
    touch(big);
    struct cmem_stats st = stats_now();
    cr_assert_eq(st.regions, 2);
    cr_assert_eq(st.heap_sys, REGION_FIRST + 10000 * PAGE_SIZE);
    give(big);
    cr_assert_eq(stats_now().regions, 2, "only scavenging unmaps");
    cr_assert_eq(scavenge(0), 10000);
    st = stats_now();
    cr_assert_eq(st.regions, 1);
    cr_assert_eq(st.heap_sys, REGION_FIRST);
    cr_assert_not(is_mapped(base));
    cr_assert_null(span_at(base));
    give(small);
}

Test(pageheap, first_region_stays) {
    give(take(1));
    cr_assert_eq(scavenge(0), 1);
    struct cmem_stats st = stats_now();
    cr_assert_eq(st.regions, 1);
    cr_assert_eq(st.heap_sys, REGION_FIRST);
    cr_assert_eq(st.heap_released, REGION_FIRST);
}

Test(pageheap, region_with_a_block_stays) {
    struct cmem__span *a = take(4000), *b = take(4000);
    cr_assert_eq(a->region, b->region);
    uintptr_t base = a->base;
    give(a);
    cr_assert_eq(scavenge(0), 4000);
    cr_assert_eq(stats_now().regions, 1);
    cr_assert(is_mapped(base));
    give(b);
    cr_assert_eq(scavenge(0), 4000);
    cr_assert_eq(stats_now().regions, 0);
    cr_assert_eq(stats_now().heap_sys, 0);
}

/* While one thread asks malloc for a region another does the same, or frees what the first one needs. */
static struct cmem__span *taken_meanwhile, *given_meanwhile;

static void take_meanwhile(void) {
    os.in_region = NULL;
    taken_meanwhile = take(1);
}

static void give_meanwhile(void) {
    os.in_region = NULL;
    give(given_meanwhile);
}

Test(pageheap, two_first_regions) {
    os.in_region = take_meanwhile;
    struct cmem__span *s = take(1);
    cr_assert_eq(stats_now().regions, 2);
    give(s);
    give(taken_meanwhile);
    scavenge(0);
    cr_assert_eq(stats_now().regions, 1, "only one of them stays for good");
}

Test(pageheap, region_that_was_not_needed_after_all) {
    struct cmem__span *s[2];
    lay_out(s, (size_t[]){20, 1}, 2);
    uintptr_t base = s[0]->base;
    given_meanwhile = s[0];
    os.in_region = give_meanwhile;
    cr_assert_eq(take(20)->base, base);
    cr_assert_eq(stats_now().regions, 2);
    cr_assert_eq(scavenge(0), 0, "it was never resident");
    cr_assert_eq(stats_now().regions, 1);
}

Test(pageheap, size_of_regions) {
    static const size_t npages[] = {257, 8208, 8209, 8224, 8225, 100000};
    for (size_t i = 0; i < LEN(npages); i++) {
        struct cmem__span *s = take(npages[i]);
        size_t bytes = npages[i] * PAGE_SIZE, want = (bytes + REGION_ALIGN - 1) / REGION_ALIGN * REGION_ALIGN;
        if (want < REGION_SIZE) want = REGION_SIZE;
        cr_assert_eq(s->region->npages * PAGE_SIZE, want);
        cr_assert_eq(s->region->base % REGION_ALIGN, 0);
        give(s);
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
    os.in_release = use_the_heap_in_release;
    os.in_region = os.in_map = use_the_heap;
    struct cmem__span *s = take(9000);
    unsigned growing = nested_calls;
    cr_assert_gt(growing, 0);
    cmem__pages_free(s);
    cr_assert_gt(cmem_scavenge(0), 0);
    cr_assert_gt(nested_calls, growing);
    for (unsigned i = 0; i < 3000; i++) (void)take(1); /* descriptors: metadata */
}

/* Somebody frees the neighbours of a span, and takes them, while it is on its way to the operating system. */
static struct cmem__span *left_of_busy, *right_of_busy;

static void free_the_neighbours(uintptr_t base, size_t bytes) {
    os.in_release = NULL;
    cr_assert_eq(span_at(base)->kind, SPAN_BUSY);
    struct cmem_stats st = stats_now();
    cr_assert_eq(st.heap_idle - st.heap_released, bytes);
    give(left_of_busy);
    give(right_of_busy);
    cr_assert_neq(take(10)->base, base, "a span that is on its way was handed out");
}

Test(pageheap, neighbours_of_a_span_on_its_way) {
    struct cmem__span *s[4];
    lay_out(s, (size_t[]){10, 10, 10, 1}, 4);
    uintptr_t base = s[0]->base;
    left_of_busy = s[0];
    right_of_busy = s[2];
    give(s[1]);
    os.in_release = free_the_neighbours;
    cmem_scavenge(0);
    cmem__check(true);
    cr_assert_eq(span_at(base)->kind, SPAN_LARGE, "the lowest free run was taken meanwhile");
    scavenge(0);
    assert_free(base + 10 * PAGE_SIZE, 20, SPAN_COLD);
}

/* ------------------------------------------------------------------------------------------------- random walk */

static bool words_are(const struct cmem__span *s, uint64_t key) {
    for (size_t i = 0; i < s->npages; i++) {
        if (*(uint64_t *)(s->base + i * PAGE_SIZE) != key) return false;
    }
    return true;
}

static void set_words(const struct cmem__span *s, uint64_t key) {
    for (size_t i = 0; i < s->npages; i++) *(uint64_t *)(s->base + i * PAGE_SIZE) = key;
}

/* Every page of a live span carries its key: a page that two spans have, or that was given back, is seen. */
Test(pageheap, random_walk) {
    enum { N = 60, STEPS = 3000 };
    struct cmem__span *live[N] = {NULL};
    uint64_t seed = test_seed("pageheap"), key[N];
    size_t inuse = 0;
    for (unsigned step = 1; step <= STEPS; step++) {
        size_t i = pick(&seed, N);
        if (live[i] == NULL) {
            size_t align = pick(&seed, 4) == 0 ? (size_t)1 << pick(&seed, 9) : 1;
            struct cmem__span *s =
                cmem__pages_alloc(pick_log(&seed, 1, 1500), align, SPAN_LARGE, NUM_CLASSES - 1);
            cr_assert_not_null(s);
            cr_assert_eq(s->base % (align * PAGE_SIZE), 0);
            if (s->zeroed) cr_assert(words_are(s, 0), "pages known to be zero are not");
            key[i] = step;
            set_words(s, step);
            inuse += s->npages;
            live[i] = s;
        } else {
            cr_assert(words_are(live[i], key[i]), "the contents of a live span changed");
            size_t keep = pick(&seed, live[i]->npages);
            inuse -= live[i]->npages - keep;
            if (keep > 0) {
                cr_assert(cmem__pages_trim(live[i], keep));
            } else {
                cmem__pages_free(live[i]);
                live[i] = NULL;
            }
        }
        if (pick(&seed, 50) == 0) {
            struct cmem_stats st = stats_now();
            os.released = 0;
            cr_assert_eq(cmem_scavenge(0), st.heap_idle - st.heap_released);
            cr_assert_eq(os.released, st.heap_idle - st.heap_released);
            st = stats_now();
            cr_assert_eq(st.heap_idle, st.heap_released);
        }
        cmem__check(true);
        cr_assert_eq(stats_now().heap_inuse, inuse * PAGE_SIZE);
    }
    for (unsigned i = 0; i < N; i++) {
        if (live[i] == NULL) continue;
        cr_assert(words_are(live[i], key[i]));
        give(live[i]);
    }
    scavenge(0);
    struct cmem_stats st = stats_now();
    cr_assert_eq(st.heap_inuse, 0);
    cr_assert_leq(st.regions, 1);
    cr_assert_eq(st.heap_idle, st.heap_released);
}
