/* test_sizeclass.c: the arithmetic of size classes, against its definition in words. */
#include "helpers.h"

#include "central.h"
#include "pagemap.h"
#include "sizeclass.h"
#include "span.h"

#include <criterion/criterion.h>

/* No more than an eighth over what was asked for; up to 128 bytes the step of 16 decides. */
static bool waste_is_low(size_t n, size_t size) { return n <= 128 ? size - n < 16 : (size - n) * 8 <= n; }

/* The vectors that Go's classOf and the assembly are tested by, too. */
Test(sizeclass, vectors) {
    FILE *f = fopen("cmem/testdata/classes.txt", "r");
    cr_assert_not_null(f, "the suites run in the root of the repository: %s", strerror(errno));
    char line[200];
    unsigned rows = 0;
    while (fgets(line, sizeof line, f) != NULL) {
        if (line[0] == '#') continue;
        unsigned c, blocks;
        size_t first, size, pages;
        cr_assert_eq(sscanf(line, "%u %zu %zu %zu %u", &c, &first, &size, &pages, &blocks), 5, "%s", line);
        cr_assert_eq(c, rows++);
        cr_assert_eq(class_size(c), size, "class %u: %zu, not %zu", c, class_size(c), size);
        cr_assert_eq(class_pages(c), pages, "class %u: %zu pages, not %zu", c, class_pages(c), pages);
        cr_assert_eq(class_blocks(c), blocks, "class %u: %u blocks, not %u", c, class_blocks(c), blocks);
        for (size_t n = first; n <= size; n++)
            cr_assert_eq(class_of(n), c, "class of %zu: %u, not %u", n, class_of(n), c);
        cr_assert(waste_is_low(first, size), "class %u: %zu for %zu", c, size, first);
    }
    fclose(f);
    cr_assert_eq(rows, NUM_CLASSES);
    cr_assert_eq(class_size(rows - 1), CMEM_MAX_CLASS_SIZE);
}

Test(sizeclass, spans_have_no_tail) {
    for (unsigned c = 0; c < NUM_CLASSES; c++) {
        cr_assert_eq(class_blocks(c) * class_size(c), class_pages(c) * PAGE_SIZE, "class %u", c);
        cr_assert_eq(class_is_small(c), class_size(c) < LARGE_MIN);
        if (class_is_small(c))
            cr_assert_leq(class_pages(c) * PAGE_SIZE, 64 * KIB);
        else
            cr_assert_eq(class_blocks(c), 1);
    }
}

Test(sizeclass, magazines) {
    for (unsigned c = 0; c < NUM_CLASSES; c++) {
        cr_assert(class_magazine(c) >= 8 && class_magazine(c) <= MAX_MAGAZINE);
        cr_assert(class_refill(c) >= 1 && class_refill(c) <= MAX_REFILL);
        cr_assert_lt(class_refill(c), class_magazine(c));
        if (!class_is_small(c))
            cr_assert_eq(class_refill(c), 1, "one span a trip: calloc's `zeroed` speaks of one");
    }
}

/* The reciprocal that the library really put into a span, at every offset of it. */
Test(sizeclass, division_is_exact) {
    for (unsigned c = 0; c < NUM_SMALL; c++) {
        struct cmem__entry e;
        cr_assert_eq(cmem__central_fetch(c, &e, 1, NULL), 1);
        const struct cmem__span *s = pagemap_span(e.block);
        cr_assert_eq(s->unit * (size_t)SPAN_TAGS, s->npages * PAGE_SIZE);
        cr_assert_eq(s->nblocks, class_blocks(c));
        cr_assert_eq(s->unit << class_tag_shift(c), class_size(c), "a block's tag is that of its beginning");
        for (size_t off = 0; off < s->npages * PAGE_SIZE; off++) {
            cr_assert_eq((off * s->magic) >> 32, off / s->unit, "class %u, offset %zu", c, off);
            unsigned i = small_tag(s, s->base + off);
            if (off % s->unit == 0)
                cr_assert_eq(i, off / s->unit);
            else
                cr_assert_geq(i, SPAN_TAGS);
        }
        cmem__central_give(c, &e, 1);
    }
}

Test(sizeclass, class_info) {
    struct cmem_class_info row;
    size_t below = 0;
    for (unsigned c = 0; c < CMEM_NUM_CLASSES; c++) {
        cr_assert_eq(cmem_class_info(c, &row), 0);
        cr_assert_eq(row.size, class_size(c));
        cr_assert_eq(row.min_size, c == 0 ? 0 : below + 1);
        cr_assert_eq(row.blocks * row.size, row.span_bytes);
        below = row.size;
    }
}

Test(sizeclass, class_info_of_no_class) {
    struct cmem_class_info row = {.size = 7};
    for (unsigned step = 0; step < 2; step++) {
        errno = 0;
        cr_assert_eq(cmem_class_info(step == 0 ? CMEM_NUM_CLASSES : UINT32_MAX, &row), -1);
        cr_assert_eq(errno, EINVAL);
        cr_assert_eq(row.size, 7, "the row was written to");
    }
}
