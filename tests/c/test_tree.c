/* test_tree.c: the address-ordered tree against a sorted array. */
#include "helpers.h"

#include "os.h"
#include "span.h"
#include "tree.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <signal.h>

enum { N = 400 };

static struct cmem__span pool[N]; /* by address, as pool[i].base rises with i */
static bool in_tree[N];

/* In order and complete. Returns the depth. */
static unsigned check_tree(const struct cmem__span *s, uintptr_t lo, uintptr_t hi, size_t *count) {
    if (s == NULL) return 0;
    cr_assert(s->base >= lo && s->base < hi && in_tree[s - pool]);
    ++*count;
    unsigned left = check_tree(s->link[TREE_SPANS].left, lo, s->base, count),
             right = check_tree(s->link[TREE_SPANS].right, s->base + 1, hi, count);
    return 1 + (left > right ? left : right);
}

static struct cmem__span *model_first_fit(size_t npages, unsigned *tries) {
    for (size_t i = 0; i<N && * tries> 0; i++) {
        if (!in_tree[i]) continue;
        --*tries;
        if (pool[i].npages >= npages) return &pool[i];
    }
    return NULL;
}

Test(tree, random_operations_against_a_sorted_array) {
    uint64_t seed = test_seed("tree");
    for (size_t i = 0; i < N; i++) {
        pool[i].base = (i + 1) * 16 * PAGE_SIZE;
        pool[i].npages = 1 + pick(&seed, 100);
    }
    struct cmem__span *root = NULL;
    size_t members = 0;
    for (unsigned step = 0; step < 20000; step++) {
        size_t i = pick(&seed, N);
        root = in_tree[i] ? cmem__tree_remove(root, &pool[i], TREE_SPANS)
                          : cmem__tree_insert(root, &pool[i], TREE_SPANS);
        in_tree[i] = !in_tree[i];
        members += in_tree[i] ? 1 : (size_t)-1;
        if (!in_tree[i])
            cr_assert(pool[i].link[TREE_SPANS].left == NULL && pool[i].link[TREE_SPANS].right == NULL);

        unsigned one = 1, tries = pick(&seed, 2) == 0 ? N : (unsigned)pick(&seed, 20), left = tries;
        cr_assert_eq(cmem__tree_min(root, TREE_SPANS), model_first_fit(0, &one));
        size_t want = 1 + pick(&seed, 110);
        cr_assert_eq(cmem__tree_first_fit(root, want, TREE_SPANS, &left), model_first_fit(want, &tries));
        cr_assert_eq(left, tries);
        if (step % 50 != 0) continue;
        size_t seen = 0;
        unsigned depth = check_tree(root, 0, UINTPTR_MAX, &seen);
        cr_assert_eq(seen, members);
        cr_assert_lt(depth, 40, "%zu members, depth %u: the priorities do not balance", members, depth);
    }
}

/* Address order is the order in which a fresh region is carved up: the worst one for an unbalanced tree. */
Test(tree, rising_addresses_stay_balanced) {
    struct cmem__span *root = NULL;
    for (size_t i = 0; i < N; i++) {
        pool[i].base = (i + 1) * PAGE_SIZE;
        in_tree[i] = true;
        root = cmem__tree_insert(root, &pool[i], TREE_SPANS);
    }
    size_t seen = 0;
    cr_assert_lt(check_tree(root, 0, UINTPTR_MAX, &seen), 40);
    cr_assert_eq(seen, N);
}

static void check_distance(size_t pages) {
    struct cmem__span *root = NULL;
    for (size_t i = 0; i < N; i++) {
        pool[i].base = (i + 1) * pages * PAGE_SIZE;
        root = cmem__tree_insert(root, &pool[i], TREE_SPANS);
    }
    size_t seen = 0;
    unsigned depth = check_tree(root, 0, UINTPTR_MAX, &seen);
    cr_assert_lt(depth, 40, "spans %zu pages apart make a tree of depth %u", pages, depth);
}

/* Blocks of one size stand at equal distances: whichever it is, no hash may make steps of it. */
Test(tree, equal_distances_stay_balanced) {
    for (size_t i = 0; i < N; i++) in_tree[i] = true;
    for (size_t pages = 1; pages <= REGION_SIZE >> PAGE_SHIFT; pages++) check_distance(pages);
    for (size_t a = 1, b = 1, c; b < (size_t)1 << 26; c = a + b, a = b, b = c) check_distance(b);
    for (size_t pages = 1 << 13; pages <= (size_t)1 << 26; pages *= 2) {
        check_distance(pages - 1);
        check_distance(pages);
        check_distance(pages + 1);
    }
}

Test(tree, empty) {
    cr_assert_null(cmem__tree_min(NULL, TREE_SPANS));
    cr_assert_null(cmem__tree_first_fit(NULL, 1, TREE_SPANS, &(unsigned){N}));
}

Test(tree, removing_a_stranger_panics, .signal = SIGABRT, .init = cr_redirect_stderr) {
    pool[0].base = PAGE_SIZE;
    pool[1].base = 2 * PAGE_SIZE;
    (void)cmem__tree_remove(cmem__tree_insert(NULL, &pool[0], TREE_SPANS), &pool[1], TREE_SPANS);
}
