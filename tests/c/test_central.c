/* test_central.c: the free blocks that are in no cache. */
#include "helpers.h"

#include "central.h"
#include "check.h"
#include "meta.h"
#include "pagemap.h"
#include "sizeclass.h"
#include "span.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <signal.h>

enum { MANY = 600 };
static struct cmem__entry e[MANY];

static void fetch(unsigned c, struct cmem__entry *out, size_t n) {
    cr_assert_eq(cmem__central_fetch(c, out, n, NULL), n);
    cmem__check(false);
}

static void give(unsigned c, const struct cmem__entry *in, size_t n) {
    cmem__central_give(c, in, n);
    cmem__check(false);
}

static size_t inuse(void) { return stats_now().heap_inuse; }

Test(central, blocks_of_every_class) {
    for (unsigned c = 0; c < NUM_CLASSES; c++) {
        size_t n = class_is_small(c) ? 2 * class_blocks(c) + 1 : 3;
        fetch(c, e, n);
        cr_assert_eq(cmem__central_out(c), n);
        for (size_t i = 0; i < n; i++) {
            cr_assert_eq(tag_get(e[i].tag), TAG_CACHED);
            cr_assert_eq(e[i].block % 16, 0);
            cr_assert_eq(pagemap_span(e[i].block)->cls, c);
            stamp((void *)e[i].block, class_size(c), i);
        }
        for (size_t i = 0; i < n; i++) {
            cr_assert(stamped((void *)e[i].block, class_size(c), class_size(c), i),
                      "class %u: blocks overlap", c);
        }
        size_t in_spans = class_is_small(c) ? (size_t)3 * class_blocks(c) : n;
        cr_assert_eq(inuse(), in_spans * class_size(c));
        cr_assert_eq(cmem__central_free_bytes(), (in_spans - n) * class_size(c));
        give(c, e, n);
        for (size_t i = 0; i < n; i++) cr_assert_eq(tag_get(pagemap_tag(e[i].block)), TAG_NONE);
        cr_assert_eq(cmem__central_out(c), 0);
        cr_assert_eq(cmem__central_free_bytes(), 0);
        cr_assert_eq(inuse(), 0, "empty spans of class %u did not go back", c);
    }
}

/* A class of few blocks a span: four of 9 KiB on nine pages. */
#define NINE (9 * KIB)

Test(central, lowest_block_of_the_lowest_span_first) {
    unsigned c = class_of(NINE);
    fetch(c, e, 24);
    for (size_t i = 0; i < 24; i++) cr_assert_eq(e[i].block, e[0].block + i * NINE);
    struct cmem__entry *high = &e[20], *mid = &e[9], *low = &e[3], got[4];
    give(c, high, 1);
    give(c, mid, 1);
    give(c, low, 1);
    cr_assert_eq(cmem__central_free_bytes(), 3 * NINE);
    fetch(c, got, 4);
    cr_assert_eq(got[0].block, low->block);
    cr_assert_eq(got[1].block, mid->block);
    cr_assert_eq(got[2].block, high->block);
    cr_assert_eq(got[3].block, e[23].block + NINE, "a new span, once the others are full");
}

/* Blocks come from the lowest span, so the higher ones drain and go back. */
Test(central, high_spans_drain) {
    unsigned c = class_of(NINE);
    fetch(c, e, 80);
    for (size_t i = 0; i < 80; i += 2) give(c, &e[i], 1);
    cr_assert_eq(inuse(), 80 * NINE);
    struct cmem__entry got[20];
    fetch(c, got, 20);
    for (size_t i = 0; i < 20; i++) cr_assert_lt(got[i].block, e[40].block);
    for (size_t i = 41; i < 80; i += 2) give(c, &e[i], 1);
    cr_assert_eq(inuse(), 40 * NINE);
    cr_assert_eq(cmem__central_free_bytes(), 0);
}

Test(central, one_block_keeps_its_span) {
    unsigned c = class_of(16);
    fetch(c, e, 256);
    give(c, e, 200);
    give(c, e + 201, 55);
    cr_assert_eq(inuse(), PAGE_SIZE);
    cr_assert_eq(cmem__central_free_bytes(), 4080);
    give(c, e + 200, 1);
    cr_assert_eq(inuse(), 0);
    cr_assert_eq(cmem__central_free_bytes(), 0);
}

Test(central, metadata_of_spans_is_reused) {
    unsigned c = class_of(16);
    fetch(c, e, 1);
    give(c, e, 1);
    size_t mapped = cmem__meta_bytes();
    for (unsigned i = 0; i < 10000; i++) {
        cr_assert_eq(cmem__central_fetch(c, e, 1, NULL), 1);
        cmem__central_give(c, e, 1);
    }
    cr_assert_eq(cmem__meta_bytes(), mapped);
}

enum { CACHE_LINE = 64 };

/* The number of the cache line that a tag lies in. */
static uintptr_t line(const struct cmem__entry *in) { return (uintptr_t)in->tag / CACHE_LINE; }

/* Two CPUs that write tags in one cache line wait for each other with every call. The spans are no more for that. */
Test(central, caches_that_fetch_by_turns_share_no_line) {
    enum { TURNS = 3 };
    static struct cmem__entry mine[TURNS * MAX_REFILL], others[MAX_REFILL];
    for (unsigned c = 0; c < NUM_CLASSES; c++) {
        size_t n = class_refill(c), have = 0;
        for (; have < TURNS * n; have += n) {
            fetch(c, mine + have, n);
            fetch(c, others, n);
            for (size_t i = 0; i < have + n; i++)
                for (size_t k = 0; k < n; k++) cr_assert_neq(line(&mine[i]), line(&others[k]), "class %u", c);
            give(c, others, n);
        }
        cr_assert_leq(inuse(), ((TURNS + 1) * n + class_blocks(c) - 1) * class_size(c), "class %u", c);
        give(c, mine, have);
        cr_assert_eq(inuse(), 0, "class %u", c);
    }
}

/* From 9 KiB on even blocks that are neighbours. */
Test(central, large_neighbours_share_no_line) {
    for (unsigned c = class_of(NINE); c < NUM_CLASSES; c++) {
        fetch(c, e, 8);
        for (size_t i = 0; i < 8; i++)
            for (size_t k = 0; k < i; k++) cr_assert_neq(line(&e[i]), line(&e[k]), "class %u", c);
        give(c, e, 8);
    }
}

/* The places of a span's tags where no block begins stay free of tags, or an inner address would pass for a block. */
Test(central, tags_between_blocks_are_none) {
    unsigned c = class_of(NINE);
    fetch(c, e, class_blocks(c));
    const struct cmem__span *s = pagemap_span(e[0].block);
    for (size_t off = 0; off < s->npages * PAGE_SIZE; off += s->unit) {
        uint8_t tag = tag_get(&s->tags[small_tag(s, s->base + off)]);
        cr_assert_eq(tag, off % NINE == 0 ? TAG_CACHED : TAG_NONE, "offset %zu", off);
    }
    give(c, e, class_blocks(c));
}

Test(central, give_of_mixed_classes) {
    static const size_t sizes[] = {16, 16, 48, 5000, 5000, 16, 100000, 3000000, 48, 30000};
    for (size_t i = 0; i < LEN(sizes); i++) fetch(class_of(sizes[i]), &e[i], 1);
    cmem__central_give_mixed(e, LEN(sizes));
    cr_assert_eq(inuse(), 0);
    for (unsigned c = 0; c < NUM_CLASSES; c++) cr_assert_eq(cmem__central_out(c), 0, "class %u", c);
    check_heap();
}

Test(central, zeroed_is_told_for_large_blocks_only) {
    bool zeroed = true;
    cr_assert_eq(cmem__central_fetch(class_of(100), e, 1, &zeroed), 1);
    cr_assert_not(zeroed, "a small block is never known to be zero");
    unsigned c = class_of(100000);
    cr_assert_eq(cmem__central_fetch(c, e, 1, &zeroed), 1);
    cr_assert(zeroed);
    give(c, e, 1);
    cr_assert_eq(cmem__central_fetch(c, e, 1, &zeroed), 1);
    cr_assert_not(zeroed);
}

/* The insist of a build without CMEM_DEBUG too: a block that comes back twice must not corrupt the counts. */
Test(central, small_block_given_twice_panics, .signal = SIGABRT, .init = cr_redirect_stderr) {
    unsigned c = class_of(100);
    fetch(c, e, 2);
    give(c, e, 1);
    cmem__central_give(c, e, 1);
}

Test(central, large_block_given_twice_panics, .signal = SIGABRT, .init = cr_redirect_stderr) {
    unsigned c = class_of(100000);
    fetch(c, e, 1);
    give(c, e, 1);
    cmem__central_give(c, e, 1);
}

Test(central, large_block_in_use_given_panics, .signal = SIGABRT, .init = cr_redirect_stderr) {
    unsigned c = class_of(100000);
    fetch(c, e, 1);
    tag_set(e[0].tag, c + 1);
    cmem__central_give(c, e, 1);
}

Test(central, random_walk) {
    uint64_t seed = test_seed("central");
    static unsigned cls[MANY];
    size_t n = 0;
    for (unsigned step = 0; step < 20000; step++) {
        unsigned c = (unsigned)pick(&seed, 12) * 6; /* few classes, so that spans fill and drain */
        size_t k = 1 + pick(&seed, 40);
        if (n + k <= MANY && pick(&seed, 2) == 0) {
            cr_assert_eq(cmem__central_fetch(c, e + n, k, NULL), k);
            for (size_t i = 0; i < k; i++) cls[n++] = c;
        } else {
            for (; k > 0 && n > 0; k--) {
                size_t i = pick(&seed, n--);
                cmem__central_give(cls[i], &e[i], 1);
                e[i] = e[n];
                cls[i] = cls[n];
            }
        }
        if (step % 100 != 0) continue;
        cmem__check(true);
        size_t out = 0;
        for (size_t i = 0; i < n; i++) out += class_size(cls[i]);
        cr_assert_eq(inuse() - cmem__central_free_bytes(), out);
    }
    for (size_t i = 0; i < n; i++) give(cls[i], &e[i], 1);
    cr_assert_eq(inuse(), 0);
}
