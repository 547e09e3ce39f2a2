/* test_report.c: what an address is, for every kind of address. Nothing here may read the address itself. */
#include "helpers.h"

#include "pagemap.h"
#include "panic.h"
#include "report.h"
#include "sizeclass.h"
#include "span.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <signal.h>

static void assert_place(uintptr_t p, enum cmem__where where, uintptr_t block, size_t size) {
    struct cmem__place at = cmem__locate(p);
    cr_assert_eq(at.where, where, "%#zx: %d, not %d", p, at.where, where);
    cr_assert_eq(at.block, block);
    cr_assert_eq(at.size, size);
}

static void assert_text_for(enum cmem__use use, uintptr_t p, const char *want) {
    char text[200];
    cr_assert_eq(cmem__describe(p, use, text, sizeof text), cmem__locate(p).where, "%s", text);
    cr_assert_str_eq(text, want);
}

static void assert_text(uintptr_t p, const char *want) { assert_text_for(USE_FREES, p, want); }

/* A block of n bytes: live, cached, free. */
static void walk_block(size_t n) {
    uintptr_t p = (uintptr_t)cmem_alloc(n), keep = (uintptr_t)cmem_alloc(n);
    size_t size = cmem_usable_size((void *)p);
    size_t inside[] = {1, 16, size / 2, size - 1};
    assert_place(p, WHERE_LIVE, p, size);
    for (size_t i = 0; i < LEN(inside); i++) {
        if (inside[i] < size) assert_place(p + inside[i], WHERE_INTERIOR_LIVE, p, size);
    }
    cmem_free((void *)p);
    if (n <= CMEM_MAX_CLASS_SIZE) {
        assert_place(p, WHERE_FREE, p, size);
        for (size_t i = 0; i < LEN(inside); i++) {
            if (inside[i] < size) assert_place(p + inside[i], WHERE_INTERIOR_FREE, p, size);
        }
    } else {
        assert_place(p, WHERE_NO_BLOCK, 0, 0);
        assert_place(p + size - 1, WHERE_NO_BLOCK, 0, 0);
    }
    cmem_free((void *)keep);
    cmem_scavenge(0);
}

Test(report, locate_in_every_class) {
    void *first = cmem_alloc(1); /* the first region is there for good */
    for (unsigned c = 0; c < NUM_CLASSES; c++) walk_block(class_size(c));
    walk_block(16 * MIB + 1);
    walk_block(40 * MIB);
    cmem_free(first);
}

Test(report, locate_every_offset_of_a_small_span) {
    static const size_t sizes[] = {16, 48, 112, 1152, 9 * KIB, 30 * KIB};
    for (size_t k = 0; k < LEN(sizes); k++) {
        uintptr_t p = (uintptr_t)cmem_alloc(sizes[k]);
        struct cmem__span *s = pagemap_span(p);
        for (size_t off = 0; off < s->npages * PAGE_SIZE; off++) {
            uintptr_t a = s->base + off;
            struct cmem__place at = cmem__locate(a);
            cr_assert_eq(at.block, s->base + off / sizes[k] * sizes[k]);
            bool live = at.block == p, start = at.block == a;
            enum cmem__where want = live ? (start ? WHERE_LIVE : WHERE_INTERIOR_LIVE)
                                         : (start ? WHERE_FREE : WHERE_INTERIOR_FREE);
            cr_assert_eq(at.where, want, "%zu bytes, offset %zu", sizes[k], off);
        }
        cmem_free((void *)p);
    }
}

Test(report, foreign_addresses) {
    static char fixed[64];
    char local[64];
    char *from_malloc = malloc(64);
    uintptr_t p = (uintptr_t)cmem_alloc(100);
    uintptr_t foreign[] = {0,
                           1,
                           4096,
                           (uintptr_t)fixed,
                           (uintptr_t)local,
                           (uintptr_t)from_malloc,
                           (uintptr_t)pagemap_span(p),
                           (uintptr_t)1 << 47,
                           (uintptr_t)1 << 48,
                           0xFFFF800000000000u,
                           UINTPTR_MAX,
                           UINTPTR_MAX - 4095};
    for (size_t i = 0; i < LEN(foreign); i++) {
        assert_place(foreign[i], WHERE_FOREIGN, 0, 0);
        assert_text(foreign[i], "foreign pointer: not in cmem's heap");
    }
    struct cmem__region *r = pagemap_span(p)->region;
    assert_place(r->base - 1, WHERE_FOREIGN, 0, 0);
    assert_place(r->base + r->npages * PAGE_SIZE, WHERE_FOREIGN, 0, 0);
    assert_place(r->base + r->npages * PAGE_SIZE - 1, WHERE_NO_BLOCK, 0, 0);
    cmem_free((void *)p);
    free(from_malloc);
}

Test(report, region_that_is_gone_is_foreign) {
    uintptr_t p = (uintptr_t)cmem_alloc(40 * MIB);
    cmem_free((void *)p);
    cmem_scavenge(0);
    cr_assert_not(is_mapped(p));
    assert_place(p, WHERE_FOREIGN, 0, 0);
    assert_place(p + MIB, WHERE_FOREIGN, 0, 0);
}

Test(report, text) {
    char want[200];
    uintptr_t p = (uintptr_t)cmem_alloc(100), keep = (uintptr_t)cmem_alloc(100);
    assert_text(p, "a live block of 112 bytes");
    snprintf(want, sizeof want, "not the start of a block: 3 bytes into the live block of 112 bytes at %#zx",
             p);
    assert_text(p + 3, want);
    cmem_free((void *)p);
    assert_text(p, "double free: the block of 112 bytes is free already");
    assert_text_for(USE_KEEPS, p, "use after free: the block of 112 bytes is free");
    snprintf(want, sizeof want, "not the start of a block: 99 bytes into the free block of 112 bytes at %#zx",
             p);
    assert_text(p + 99, want);
    cmem_free((void *)keep);
    cmem_scavenge(0);
    assert_text(p, "double free or stray pointer: in cmem's heap, where no block is now");
    assert_text_for(USE_KEEPS, p, "use after free or stray pointer: in cmem's heap, where no block is now");
}

Test(report, text_of_an_owned_block) {
    static const size_t owned[][2] = {
        {100, 112}, {100000, 106496}, {300 * KIB, 300 * KIB}, {40 * MIB, 40 * MIB}};
    for (size_t i = 0; i < LEN(owned); i++) {
        char want[200];
        uintptr_t p = (uintptr_t)own(cmem_alloc(owned[i][0]));
        snprintf(want, sizeof want,
                 "owned block: its %zu bytes belong to a Go handle (cmem.Buffer) or arena (cmem.Arena), "
                 "whose Free "
                 "frees them",
                 owned[i][1]);
        assert_text(p, want);
        assert_text_for(USE_KEEPS, p, want);
        assert_place(p, WHERE_LIVE, p, owned[i][1]);
        assert_place(p + 8, WHERE_INTERIOR_LIVE, p, owned[i][1]);
    }
}

Test(report, text_is_cut_to_the_buffer) {
    char text[16];
    memset(text, 'x', sizeof text);
    cr_assert_eq(cmem__describe(1, USE_FREES, text, 8), WHERE_FOREIGN);
    cr_assert_str_eq(text, "foreign");
    cr_assert_eq(text[8], 'x');
}

/* Standard error is closed: nothing to write to, the signal must come all the same. */
Test(report, misuse_without_standard_error, .signal = SIGABRT) {
    close(STDERR_FILENO);
    cmem_free((void *)16);
}

Test(report, panic, .signal = SIGABRT, .init = cr_redirect_stderr) { cmem__panic("test", 1); }
