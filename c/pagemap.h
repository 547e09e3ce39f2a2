/* pagemap.h: from an address to its tag and span, in two loads.
 *
 * Two levels: 2^18 roots, each for 1 GiB of addresses. C and Go read it without a lock; binding.go,
 * cmem/ and go/vsz know this layout. A span stands in the entries of its first and its last page; a
 * small span stands in every page's, as blocks start in all of its pages. The other entries are
 * NULL. Behind each leaf lie the marks of its pages.
 *
 * Lock: none to read it. Spans and marks are written under the page heap's lock, a tag by whoever
 * owns the block. Called by every part that looks an address up.
 */
#ifndef CMEM_PAGEMAP_H
#define CMEM_PAGEMAP_H

#include "base.h"
#include "span.h"

#include <stdatomic.h>
#include <stdbool.h>

#define LEAF_SHIFT 30
#define LEAF_PAGES ((size_t)1 << (LEAF_SHIFT - PAGE_SHIFT))
#define ROOT_LEN ((size_t)1 << (ADDR_BITS - LEAF_SHIFT))

/* A page's entry is one word: its tag in the first byte, and above that the span's address. So the
 * tags of blocks of LARGE_MIN and more are a cache line apart, and what a free of a small block
 * needs is in one line. */
union cmem__page {
    _Atomic uint64_t word;
    cmem__tag tag;
};

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a word's first byte is its lowest");

struct cmem__leaf {
    union cmem__page page[LEAF_PAGES];
    char away[320]; /* from where a page begins: see off_page_start in meta.c */
    uintptr_t root; /* its index in cmem__pagemap */
};

assert_size(union cmem__page, 8);
assert_size(struct cmem__leaf, 8 * LEAF_PAGES + 328);
assert_offset(struct cmem__leaf, page, 0);
assert_offset(struct cmem__leaf, root, 8 * LEAF_PAGES + 320);

extern _Atomic(struct cmem__leaf *) cmem__pagemap[ROOT_LEN];

/* Makes the leaves for [base, base + bytes). Returns false where memory for them is not to be
 * had. */
bool cmem__pagemap_grow(uintptr_t base, size_t bytes);

/* The leaf that covers a, or NULL. */
static inline struct cmem__leaf *pagemap_leaf(uintptr_t a) {
    if (unlikely(a >> ADDR_BITS)) return NULL;
    return atomic_load_explicit(&cmem__pagemap[a >> LEAF_SHIFT], memory_order_acquire);
}

static inline size_t leaf_index(uintptr_t a) { return (a >> PAGE_SHIFT) & (LEAF_PAGES - 1); }

static inline struct cmem__span *page_span(const union cmem__page *e) {
    return (void *)(uintptr_t)(atomic_load_explicit(&e->word, memory_order_relaxed) >> 8);
}

/* The span entry of a's page; NULL where there is none. */
static inline struct cmem__span *pagemap_span(uintptr_t a) {
    struct cmem__leaf *l = pagemap_leaf(a);
    return l ? page_span(&l->page[leaf_index(a)]) : NULL;
}

/* The page heap marks the pages where an extent begins, under its lock. The last one finds the last
 * marked page below a, in a few steps (one more for each GiB between). All need the leaf to exist,
 * the last one a mark too. */
void cmem__pagemap_mark(uintptr_t a);
void cmem__pagemap_unmark(uintptr_t a);
uintptr_t cmem__pagemap_marked_before(uintptr_t a);
#if CMEM_DEBUG
bool cmem__pagemap_is_marked(uintptr_t a);
#endif

/* These need the leaf to exist. */
static inline cmem__tag *pagemap_tag(uintptr_t a) {
    struct cmem__leaf *l = atomic_load_explicit(&cmem__pagemap[a >> LEAF_SHIFT], memory_order_relaxed);
    return &l->page[leaf_index(a)].tag;
}

/* The page keeps its tag, which nobody else may write meanwhile. */
static inline void pagemap_set(uintptr_t a, struct cmem__span *s) {
    struct cmem__leaf *l = atomic_load_explicit(&cmem__pagemap[a >> LEAF_SHIFT], memory_order_relaxed);
    union cmem__page *e = &l->page[leaf_index(a)];
    atomic_store_explicit(&e->word, (uint64_t)(uintptr_t)s << 8 | tag_get(&e->tag), memory_order_relaxed);
}

#endif /* CMEM_PAGEMAP_H */
