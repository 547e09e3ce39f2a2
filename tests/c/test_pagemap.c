/* test_pagemap.c: from address to tag and span. */
#include "helpers.h"

#include "meta.h"
#include "pagemap.h"
#include "sizeclass.h"
#include "span.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <signal.h>

/* Addresses that no mapping of this process has. */
#define GIB ((uintptr_t)1 << 30)
#define AT (100 * GIB)

Test(pagemap, unknown_addresses_have_no_leaf) {
    static const uintptr_t unknown[] = {
        0, 1, AT, ((uintptr_t)1 << 48) - 1, (uintptr_t)1 << 48, 0xFFFF800000000000u, UINTPTR_MAX};
    for (size_t i = 0; i < LEN(unknown); i++) {
        cr_assert_null(pagemap_leaf(unknown[i]), "%#zx", unknown[i]);
        cr_assert_null(pagemap_span(unknown[i]));
    }
}

Test(pagemap, grow_covers_both_ends) {
    cr_assert(cmem__pagemap_grow(AT + GIB - PAGE_SIZE, 2 * PAGE_SIZE));
    cr_assert_null(pagemap_leaf(AT - 1));
    cr_assert_not_null(pagemap_leaf(AT));
    cr_assert_not_null(pagemap_leaf(AT + 2 * GIB - 1));
    cr_assert_null(pagemap_leaf(AT + 2 * GIB));
    cr_assert(cmem__pagemap_grow(AT + 4 * GIB, 3 * GIB));
    for (unsigned i = 4; i < 7; i++) cr_assert_not_null(pagemap_leaf(AT + i * GIB));
    cr_assert_null(pagemap_leaf(AT + 7 * GIB));
}

Test(pagemap, grow_keeps_what_is_there) {
    cr_assert(cmem__pagemap_grow(AT, PAGE_SIZE));
    struct cmem__leaf *l = pagemap_leaf(AT);
    size_t mapped = cmem__meta_bytes();
    cr_assert(cmem__pagemap_grow(AT + PAGE_SIZE, GIB - PAGE_SIZE));
    cr_assert_eq(pagemap_leaf(AT), l);
    cr_assert_eq(cmem__meta_bytes(), mapped);
}

Test(pagemap, grow_refuses_addresses_past_48_bits) {
    cr_assert_not(cmem__pagemap_grow(((uintptr_t)1 << 48) - PAGE_SIZE, 2 * PAGE_SIZE));
    cr_assert(cmem__pagemap_grow(((uintptr_t)1 << 48) - PAGE_SIZE, PAGE_SIZE));
}

Test(pagemap, entries_are_per_page) {
    static struct cmem__span s;
    cr_assert(cmem__pagemap_grow(AT, GIB));
    uintptr_t a = AT + 5 * PAGE_SIZE;
    pagemap_set(a + 123, &s);
    tag_set(pagemap_tag(a), 7);
    for (unsigned i = 0; i < 10; i++) {
        uintptr_t b = AT + i * PAGE_SIZE;
        cr_assert_eq(pagemap_span(b), i == 5 ? &s : NULL);
        cr_assert_eq(pagemap_span(b + PAGE_SIZE - 1), i == 5 ? &s : NULL);
        cr_assert_eq(tag_get(pagemap_tag(b)), i == 5 ? 7 : TAG_NONE);
    }
    cr_assert_eq(leaf_index(AT + GIB - 1), LEAF_PAGES - 1);
    pagemap_set(a, NULL);
    cr_assert_null(pagemap_span(a));
    cr_assert_eq(tag_get(pagemap_tag(a)), 7, "a page's tag changed with its span");
    tag_set(pagemap_tag(a), TAG_NONE);
    pagemap_set(a, &s);
    tag_set(pagemap_tag(a), 0xFF);
    cr_assert_eq(pagemap_span(a), &s, "a page's span changed with its tag");
}

/* Marks in three leaves, few or many, against an array. */
Test(pagemap, marks_against_an_array) {
    enum { LEAVES = 3, PAGES = LEAVES * LEAF_PAGES };
    static bool marked[PAGES];
    uint64_t seed = test_seed("pagemap");
    cr_assert(cmem__pagemap_grow(AT, LEAVES * GIB));
    marked[0] = true;
    cmem__pagemap_mark(AT);
    for (unsigned step = 0; step < 4000; step++) {
        /* Beside the last one, or anywhere; more of them in the first half of the steps. */
        static size_t last = 1;
        size_t i = 1 + (pick(&seed, 2) == 0 ? last + pick(&seed, 150) : pick(&seed, PAGES)) % (PAGES - 1);
        last = i;
        uintptr_t a = AT + i * PAGE_SIZE;
        cr_assert_eq(cmem__pagemap_is_marked(a), marked[i]);
        bool mark = pick(&seed, 4) < (step < 2000 ? 3 : 1);
        if (mark && !marked[i]) cmem__pagemap_mark(a);
        if (!mark && marked[i]) cmem__pagemap_unmark(a);
        marked[i] = mark;
        cr_assert_eq(cmem__pagemap_is_marked(a), mark);

        size_t from = 1 + pick(&seed, PAGES - 1), want = from - 1;
        while (!marked[want]) want--;
        cr_assert_eq(cmem__pagemap_marked_before(AT + from * PAGE_SIZE), AT + want * PAGE_SIZE);
    }
    /* None is left but the first: two leaves are passed over. */
    for (size_t i = 1; i < PAGES; i++)
        if (marked[i]) cmem__pagemap_unmark(AT + i * PAGE_SIZE);
    cr_assert_eq(cmem__pagemap_marked_before(AT + LEAVES * GIB - PAGE_SIZE), AT);
}

/* The first page has nothing below it: not in its leaf, and not in another. */
Test(pagemap, no_mark_below_panics, .signal = SIGABRT, .init = cr_redirect_stderr) {
    cr_assert(cmem__pagemap_grow(AT, GIB));
    cmem__pagemap_mark(AT + PAGE_SIZE);
    (void)cmem__pagemap_marked_before(AT + PAGE_SIZE);
}

/* What a free looks up: the tag of each kind of block, and the entries of its span. 400 KiB are no
 * class's: such a block is an exact one. */
Test(pagemap, blocks_are_in_it) {
    static const size_t sizes[] = {320 * KIB, 400 * KIB, 20 * MIB};
    char *small = cmem_alloc(1000), *large[LEN(sizes)];
    struct cmem__span *s = pagemap_span((uintptr_t)small);
    cr_assert_eq(tag_get(pagemap_tag((uintptr_t)small)), TAG_SMALL + class_of(1000));
    for (size_t i = 0; i < s->npages; i++) cr_assert_eq(pagemap_span(s->base + i * PAGE_SIZE), s);
    for (size_t i = 0; i < LEN(sizes); i++) {
        large[i] = cmem_alloc(sizes[i]);
        uintptr_t a = (uintptr_t)large[i];
        struct cmem__span *l = pagemap_span(a);
        cr_assert_eq(tag_get(pagemap_tag(a)), i == 0 ? class_of(sizes[i]) + 1 : TAG_EXACT);
        cr_assert_eq(l->npages, sizes[i] / PAGE_SIZE);
        cr_assert_eq(pagemap_span(a + (l->npages - 1) * PAGE_SIZE), l);
        cr_assert_null(pagemap_span(a + PAGE_SIZE));
    }
    cmem_free(small);
    cmem_free_batch((void **)large, LEN(sizes));
    cmem_scavenge(0);
    cr_assert_eq(tag_get(pagemap_tag((uintptr_t)small)), TAG_NONE);
    for (size_t i = 0; i < LEN(sizes); i++) cr_assert_eq(tag_get(pagemap_tag((uintptr_t)large[i])), TAG_NONE);
    check_heap();
}
