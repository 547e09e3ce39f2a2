/* test_bins.c: spans by length, against a sorted array. */
#include "helpers.h"

#include "bins.h"
#include "sizeclass.h"
#include "span.h"
#include "tree.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <criterion/redirect.h>
#include <signal.h>

enum { N = 400 };

/* More pages than there are addresses: an aligned allocation may ask for nearly that many. */
#define MOST_PAGES (((size_t)2 << (ADDR_BITS - PAGE_SHIFT)) - 1)

static struct cmem__span pool[N]; /* by address, as pool[i].base rises with i */
static bool in_bins[N];
static struct cmem__bins bins;

static void set_length(struct cmem__span *s, size_t npages) {
    if (bins.kind == TREE_EXTENTS)
        s->extent_pages = npages;
    else
        s->npages = npages;
}

static size_t length(const struct cmem__span *s) { return tree_pages(s, bins.kind); }

/* The shortest length in the bin of npages, counted up from the last doubling. */
static size_t bin_start(size_t npages) {
    size_t doubling = 1;
    while (doubling * 2 <= npages) doubling *= 2;
    size_t step = doubling < 16 ? 1 : doubling / 8;
    return doubling + (npages - doubling) / step * step;
}

/* The lowest span of the bin that begins at `start`, of npages or more, among the first `tries`. */
static struct cmem__span *model_in_bin(size_t start, size_t npages, unsigned tries) {
    for (size_t i = 0; i < N && tries > 0; i++) {
        if (!in_bins[i] || bin_start(length(&pool[i])) != start) continue;
        if (length(&pool[i]) >= npages) return &pool[i];
        tries--;
    }
    return NULL;
}

/* The first bin from `start` on; SIZE_MAX where none has a span. */
static size_t model_next_bin(size_t start) {
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < N; i++) {
        size_t b = bin_start(length(&pool[i]));
        if (in_bins[i] && b >= start && b < best) best = b;
    }
    return best;
}

static struct cmem__span *model_best_fit(size_t npages) {
    size_t start = bin_start(npages);
    struct cmem__span *s = start < npages ? model_in_bin(start, npages, 16) : NULL;
    size_t next = start < npages ? start + 1 : start;
    return s != NULL ? s : model_in_bin(model_next_bin(next), 1, N);
}

/* Of each bin up to npages's own all spans, of the last one as many as there is room for. */
static void check_longest_below(size_t npages, size_t n) {
    struct cmem__span *out[N + 1];
    bool seen[N] = {false};
    out[n] = NULL;
    size_t got = cmem__bins_longest_below(&bins, npages, out, n), want = 0, skipped = 0;
    cr_assert_null(out[n], "more than asked for");
    for (size_t i = 0; i < got; i++) {
        size_t at = (size_t)(out[i] - pool);
        cr_assert(at < N && in_bins[at] && !seen[at], "a span twice, or one that is not there");
        seen[at] = true;
        if (i > 0) cr_assert_leq(bin_start(length(out[i])), bin_start(length(out[i - 1])), "shorter first");
    }
    for (size_t i = 0; i < N; i++) {
        bool below = in_bins[i] && bin_start(length(&pool[i])) <= bin_start(npages);
        want += below;
        if (seen[i]) cr_assert(below, "a span of a longer bin");
        if (below && !seen[i] && bin_start(length(&pool[i])) > skipped) skipped = bin_start(length(&pool[i]));
    }
    cr_assert_eq(got, want < n ? want : n);
    if (got > 0) cr_assert_leq(skipped, bin_start(length(out[got - 1])), "a longer one was left out");
}

/* Half of the lengths are short, the others up to all addresses. Few values, so that bins hold many spans. */
static size_t random_length(uint64_t *seed) {
    size_t dice = pick(seed, 4);
    if (dice < 2) return 1 + pick(seed, 70);
    return dice == 2 ? 1000 + pick(seed, 200) : pick_log(seed, 1, MOST_PAGES);
}

ParameterizedTestParameters(bins, random_operations_against_a_sorted_array) {
    static enum cmem__tree kinds[] = {TREE_SPANS, TREE_EXTENTS};
    return cr_make_param_array(enum cmem__tree, kinds, LEN(kinds));
}

ParameterizedTest(const enum cmem__tree *kind, bins, random_operations_against_a_sorted_array) {
    uint64_t seed = test_seed("bins");
    size_t members = 0;
    bins.kind = *kind;
    for (size_t i = 0; i < N; i++) pool[i].base = (i + 1) * 16 * PAGE_SIZE;
    for (unsigned step = 0; step < 20000; step++) {
        struct cmem__span *s = &pool[pick(&seed, N)];
        bool *in = &in_bins[s - pool];
        if (*in) {
            cmem__bins_remove(&bins, s);
        } else {
            set_length(s, random_length(&seed));
            cmem__bins_insert(&bins, s);
        }
        *in = !*in;
        members += *in ? 1 : (size_t)-1;

        size_t npages = random_length(&seed);
        cr_assert_eq(cmem__bins_best_fit(&bins, npages), model_best_fit(npages), "%zu pages", npages);
        if (step % 20 != 0) continue;
        check_longest_below(npages, 1 + pick(&seed, pick(&seed, 4) == 0 ? N : 10));
        cr_assert_eq(cmem__bins_check(&bins), members);
    }
}

/* A span stands in both kinds of bins at a time, each time with another length. */
Test(bins, both_kinds_at_a_time) {
    struct cmem__bins runs = {.kind = TREE_SPANS}, extents = {.kind = TREE_EXTENTS};
    uint64_t seed = test_seed("bins");
    for (size_t i = 0; i < N; i++) {
        pool[i].base = (i + 1) * 16 * PAGE_SIZE;
        pool[i].npages = 1 + pick(&seed, 40);
        pool[i].extent_pages = pool[i].npages + pick(&seed, 40);
        cmem__bins_insert(&runs, &pool[i]);
        cmem__bins_insert(&extents, &pool[i]);
    }
    cr_assert_eq(cmem__bins_check(&runs), N);
    cr_assert_eq(cmem__bins_check(&extents), N);
    for (size_t i = 0; i < N; i++) {
        cmem__bins_remove(i % 2 == 0 ? &runs : &extents, &pool[i]);
        cr_assert_eq(cmem__bins_check(&runs), N - i / 2 - 1);
        cr_assert_eq(cmem__bins_check(&extents), N - (i + 1) / 2);
    }
}

static struct cmem__span *add(size_t i, size_t npages) {
    pool[i].base = (i + 1) * PAGE_SIZE;
    pool[i].npages = npages;
    cmem__bins_insert(&bins, &pool[i]);
    return &pool[i];
}

/* In a bin of several lengths 16 spans are looked at; the next bin's are all long enough. */
Test(bins, tries_in_a_bin_of_many_lengths) {
    for (size_t i = 0; i < 16; i++) add(i, 32);
    struct cmem__span *fits = add(16, 35), *next = add(17, 36);
    cr_assert_eq(cmem__bins_best_fit(&bins, 33), next);
    cmem__bins_remove(&bins, &pool[7]);
    cr_assert_eq(cmem__bins_best_fit(&bins, 33), fits);
    cr_assert_eq(cmem__bins_best_fit(&bins, 32), &pool[0]);
    cr_assert_eq(cmem__bins_best_fit(&bins, 36), next);
    cr_assert_null(cmem__bins_best_fit(&bins, 37));
}

/* The sizes of large classes are bounds of bins: what is long enough for one is never looked for in a bin of others. */
Test(bins, class_sizes_are_bounds) {
    for (unsigned c = NUM_SMALL; c < NUM_CLASSES; c++) {
        size_t npages = class_pages(c);
        for (size_t i = 0; i < 20; i++) add(i, npages - 1);
        struct cmem__span *fits = add(20, npages);
        cr_assert_eq(cmem__bins_best_fit(&bins, npages), fits, "%zu pages", npages);
        for (size_t i = 0; i <= 20; i++) cmem__bins_remove(&bins, &pool[i]);
    }
}

Test(bins, longest_and_shortest) {
    struct cmem__span *out[2];
    cr_assert_null(cmem__bins_best_fit(&bins, 1));
    cr_assert_null(cmem__bins_best_fit(&bins, MOST_PAGES));
    cr_assert_eq(cmem__bins_longest_below(&bins, MOST_PAGES, out, 2), 0);
    struct cmem__span *longest = add(0, MOST_PAGES), *shortest = add(1, 1);
    cr_assert_eq(cmem__bins_best_fit(&bins, 1), shortest);
    cr_assert_eq(cmem__bins_best_fit(&bins, 2), longest);
    cr_assert_eq(cmem__bins_best_fit(&bins, MOST_PAGES), longest);
    cr_assert_eq(cmem__bins_longest_below(&bins, MOST_PAGES, out, 0), 0);
    cr_assert_eq(cmem__bins_longest_below(&bins, MOST_PAGES, out, 2), 2);
    cr_assert(out[0] == longest && out[1] == shortest);
    cr_assert_eq(cmem__bins_check(&bins), 2);
}

/* ------------------------------------------------------------------------------------------------- what check sees */

Test(bins, check_sees_a_length_that_has_changed, .signal = SIGABRT, .init = cr_redirect_stderr) {
    add(0, 10)->npages = 11;
    cmem__bins_check(&bins);
}

Test(bins, check_sees_a_wrong_bitmap, .signal = SIGABRT, .init = cr_redirect_stderr) {
    bins.bitmap[4] = 1;
    cmem__bins_check(&bins);
}

Test(bins, removing_a_stranger_panics, .signal = SIGABRT, .init = cr_redirect_stderr) {
    add(0, 10);
    pool[1] = (struct cmem__span){.base = 5 * PAGE_SIZE, .npages = 10};
    cmem__bins_remove(&bins, &pool[1]);
}
