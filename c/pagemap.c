//go:build linux && (amd64 || arm64 || riscv64)

/* pagemap.c: from an address to its tag and span, in two loads and without a lock; and marks of
 * pages, among which the page heap finds where an extent begins. */
#include "base.h"
#include "meta.h"
#include "pagemap.h"
#include "panic.h"

/* 2 MiB of .bss, of which the pages that are touched count. */
_Atomic(struct cmem__leaf *) cmem__pagemap[ROOT_LEN];

/* Behind the leaf that Go knows: the marks of its pages, as a tree of words. The children of word k
 * are the words from 64 k + 1 on, of the last words the pages; a bit stands for a child with a mark
 * below it. */
enum { MARK_WORDS = 1 + 64 + LEAF_PAGES / 64 };

struct marked_leaf {
    struct cmem__leaf leaf;
    uint64_t marks[MARK_WORDS];
};

_Static_assert(LEAF_PAGES == (size_t)64 * 64 * 64, "three levels of words");

static uint64_t *marks_of(struct cmem__leaf *l) { return ((struct marked_leaf *)l)->marks; }

bool cmem__pagemap_grow(uintptr_t base, size_t bytes) {
    if (unlikely((base + bytes - 1) >> ADDR_BITS)) return false;
    for (uintptr_t i = base >> LEAF_SHIFT; i <= (base + bytes - 1) >> LEAF_SHIFT; i++) {
        if (atomic_load_explicit(&cmem__pagemap[i], memory_order_acquire) != NULL) continue;
        struct cmem__leaf *fresh = cmem__meta_map(sizeof(struct marked_leaf));
        if (fresh == NULL) return false;
        fresh->root = i;
        struct cmem__leaf *none = NULL;
        /* Losing the race strands 2 MiB of untouched address space: once a GiB, and only if two
         * threads add the first regions there at the same time. */
        atomic_compare_exchange_strong_explicit(&cmem__pagemap[i], &none, fresh, memory_order_release,
                                                memory_order_relaxed);
    }
    return true;
}

void cmem__pagemap_mark(uintptr_t a) {
    uint64_t *marks = marks_of(pagemap_leaf(a)), others = 0;
    for (size_t k = MARK_WORDS + leaf_index(a); k > 0 && others == 0;) {
        size_t bit = --k % 64;
        k /= 64;
        others = marks[k];
        marks[k] |= (uint64_t)1 << bit;
    }
}

void cmem__pagemap_unmark(uintptr_t a) {
    uint64_t *marks = marks_of(pagemap_leaf(a)), others = 0;
    for (size_t k = MARK_WORDS + leaf_index(a); k > 0 && others == 0;) {
        size_t bit = --k % 64;
        k /= 64;
        others = marks[k] &= ~((uint64_t)1 << bit);
    }
}

/* The last mark under those children of word k that `bits` stand for. */
static uintptr_t last_mark(struct cmem__leaf *l, size_t k, uint64_t bits) {
    for (;; bits = marks_of(l)[k]) {
        k = 64 * k + 64 - (size_t)__builtin_clzl(bits);
        if (k >= MARK_WORDS) return (l->root << LEAF_SHIFT) + ((k - MARK_WORDS) << PAGE_SHIFT);
    }
}

uintptr_t cmem__pagemap_marked_before(uintptr_t a) {
    struct cmem__leaf *l = pagemap_leaf(a);
    for (size_t k = MARK_WORDS + leaf_index(a); k > 0;) {
        size_t bit = --k % 64;
        k /= 64;
        uint64_t below = marks_of(l)[k] & (((uint64_t)1 << bit) - 1);
        if (below != 0) return last_mark(l, k, below);
    }
    do {
        l = pagemap_leaf((l->root << LEAF_SHIFT) - 1);
        insist(l != NULL, "no page below is marked", a);
    } while (marks_of(l)[0] == 0);
    return last_mark(l, 0, marks_of(l)[0]);
}

#if CMEM_DEBUG

bool cmem__pagemap_is_marked(uintptr_t a) {
    size_t i = leaf_index(a);
    return (marks_of(pagemap_leaf(a))[MARK_WORDS - LEAF_PAGES / 64 + i / 64] >> (i % 64)) & 1;
}

#endif
