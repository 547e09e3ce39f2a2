/* test_meta.c: memory for the library's own structures. */
#include "helpers.h"

#include "meta.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <signal.h>

static bool is_zero(const unsigned char *p, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (p[i] != 0) return false;
    }
    return true;
}

Test(meta, pieces_are_zeroed_aligned_and_apart) {
    enum { N = 600 };
    static unsigned char *piece[N];
    static size_t size[N];
    uint64_t seed = test_seed("meta");
    for (size_t i = 0; i < N; i++) {
        size[i] = 1 + pick(&seed, 8 * KIB);
        piece[i] = cmem__meta_alloc(size[i]);
        cr_assert_not_null(piece[i]);
        cr_assert_eq((uintptr_t)piece[i] % 64, 0);
        cr_assert_neq((uintptr_t)piece[i] % PAGE_SIZE, 0);
        cr_assert(is_zero(piece[i], size[i]));
        stamp(piece[i], size[i], i);
    }
    for (size_t i = 0; i < N; i++)
        cr_assert(stamped(piece[i], size[i], size[i], i), "piece %zu was overwritten", i);
}

Test(meta, freed_pieces_are_reused_by_size_and_zeroed) {
    unsigned char *a = cmem__meta_alloc(100), *b = cmem__meta_alloc(200);
    memset(a, 0xAA, 100);
    memset(b, 0xBB, 200);
    cmem__meta_free(a, 100);
    cmem__meta_free(b, 200);
    size_t mapped = cmem__meta_bytes();
    cr_assert_eq(cmem__meta_alloc(193), b, "193 and 200 bytes round to the same size");
    cr_assert(is_zero(b, 256));
    cr_assert_eq(cmem__meta_alloc(128), a);
    cr_assert(is_zero(a, 128));
    cr_assert_eq(cmem__meta_bytes(), mapped);
}

Test(meta, the_rest_of_a_chunk_is_used) {
    /* Pieces of 7 KiB from the second line on leave 4 KiB less a line at the end of a chunk of
     * 256 KiB: they must not be lost. */
    unsigned char *first = cmem__meta_alloc(7 * KIB);
    size_t mapped = cmem__meta_bytes();
    while (cmem__meta_bytes() == mapped) (void)cmem__meta_alloc(7 * KIB);
    size_t rest = 4 * KIB - 64;
    unsigned char *p = cmem__meta_alloc(rest);
    cr_assert(p > first && p < first + 256 * KIB, "%p is not in the chunk of %p", (void *)p, (void *)first);
    cr_assert(is_zero(p, rest));
}

Test(meta, large_pieces_are_mapped_and_counted) {
    size_t before = cmem__meta_bytes();
    unsigned char *p = cmem__meta_alloc(100 * KIB + 1);
    cr_assert_eq((uintptr_t)p % PAGE_SIZE, 0);
    cr_assert(is_zero(p, 100 * KIB + 1));
    cr_assert_eq(cmem__meta_bytes() - before, 104 * KIB);
    cr_assert_eq(stats_now().metadata_sys, cmem__meta_bytes());
}

Test(meta, free_of_a_mapped_piece_panics, .signal = SIGABRT, .init = cr_redirect_stderr) {
    cmem__meta_free(cmem__meta_alloc(100 * KIB), 100 * KIB);
}
