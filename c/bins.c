//go:build linux && (amd64 || arm64 || riscv64)

/* bins.c: spans by length. Finding one takes a look at a bitmap and a walk down one tree. */
#include "base.h"
#include "bins.h"
#include "panic.h"
#include "span.h"
#include "tree.h"

static unsigned bin_shift(size_t npages) { return npages < 16 ? 0 : 60u - (unsigned)__builtin_clzl(npages); }

/* The bin of spans of npages. It has 1 << bin_shift lengths, the first a multiple of that. */
static unsigned bin_of(size_t npages) {
    unsigned e = bin_shift(npages);
    return e * 8 + (unsigned)(npages >> e);
}

/* Whether every span in the bin of npages is at least npages long. */
static bool bin_fits(size_t npages) {
    unsigned e = bin_shift(npages);
    return (npages >> e) << e == npages;
}

void cmem__bins_insert(struct cmem__bins *f, struct cmem__span *s) {
    unsigned b = bin_of(tree_pages(s, f->kind));
    f->bin[b] = cmem__tree_insert(f->bin[b], s, f->kind);
    f->bitmap[b / 64] |= (uint64_t)1 << (b % 64);
}

void cmem__bins_remove(struct cmem__bins *f, struct cmem__span *s) {
    unsigned b = bin_of(tree_pages(s, f->kind));
    f->bin[b] = cmem__tree_remove(f->bin[b], s, f->kind);
    if (f->bin[b] == NULL) f->bitmap[b / 64] &= ~((uint64_t)1 << (b % 64));
}

/* The first bin from b on that is not empty, or NUM_BINS. */
static unsigned next_bin(const struct cmem__bins *f, unsigned b) {
    for (unsigned w = b / 64; w < NUM_BINS / 64; w++) {
        uint64_t bits = f->bitmap[w];
        if (w == b / 64) bits &= ~(uint64_t)0 << (b % 64);
        if (bits != 0) return w * 64 + (unsigned)__builtin_ctzl(bits);
    }
    return NUM_BINS;
}

/* The last bin up to b that is not empty, or 0, which no span is in. */
static unsigned prev_bin(const struct cmem__bins *f, unsigned b) {
    for (unsigned w = b / 64 + 1; w-- > 0;) {
        uint64_t bits = f->bitmap[w];
        if (w == b / 64) bits &= ~(uint64_t)0 >> (63 - b % 64);
        if (bits != 0) return w * 64 + 63u - (unsigned)__builtin_clzl(bits);
    }
    return 0;
}

/* How many spans are looked at in the one bin that may hold shorter ones than wanted. It is no loss
 * to give up: those of the next bin are at most an eighth longer. */
#define FIT_TRIES 16

struct cmem__span *cmem__bins_best_fit(const struct cmem__bins *f, size_t npages) {
    unsigned b = bin_of(npages);
    if (!bin_fits(npages)) {
        unsigned tries = FIT_TRIES;
        struct cmem__span *s = cmem__tree_first_fit(f->bin[b], npages, f->kind, &tries);
        if (s != NULL) return s;
        b++;
    }
    b = next_bin(f, b);
    return b < NUM_BINS ? cmem__tree_min(f->bin[b], f->kind) : NULL;
}

size_t cmem__bins_longest_below(const struct cmem__bins *f, size_t npages, struct cmem__span **out,
                                size_t n) {
    size_t got = 0;
    for (unsigned b = prev_bin(f, bin_of(npages)); b > 0 && got < n; b = prev_bin(f, b - 1)) {
        /* Breadth first: out is the queue as well as the result. */
        size_t at = got;
        out[got++] = f->bin[b];
        for (; at < got && got < n; at++) {
            struct cmem__span *l = out[at]->link[f->kind].left, *r = out[at]->link[f->kind].right;
            if (l != NULL) out[got++] = l;
            if (r != NULL && got < n) out[got++] = r;
        }
    }
    return got;
}

#if CMEM_DEBUG

static size_t check_tree(const struct cmem__bins *f, const struct cmem__span *s, unsigned bin, uintptr_t lo,
                         uintptr_t hi) {
    if (s == NULL) return 0;
    insist(s->base >= lo && s->base < hi, "tree of a bin is out of order", s->base);
    insist(bin_of(tree_pages(s, f->kind)) == bin, "span in the wrong bin", s->base);
    return 1 + check_tree(f, s->link[f->kind].left, bin, lo, s->base) +
           check_tree(f, s->link[f->kind].right, bin, s->base + 1, hi);
}

/* Returns the number of spans. */
size_t cmem__bins_check(const struct cmem__bins *f) {
    size_t n = 0;
    for (unsigned b = 0; b < NUM_BINS; b++) {
        bool bit = (f->bitmap[b / 64] >> (b % 64)) & 1;
        insist(bit == (f->bin[b] != NULL), "bitmap of the bins is wrong", b);
        n += check_tree(f, f->bin[b], b, 0, UINTPTR_MAX);
    }
    return n;
}

#endif
