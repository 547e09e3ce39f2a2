//go:build linux && (amd64 || arm64 || riscv64)

/* tree.c: address-ordered trees of spans (treaps: the priority is a hash of the address, so the
 * shape depends on the members only and no random state is kept). Insert and remove take O(log n)
 * expected. A span can stand in one tree of each kind `k` at a time. */
#include "base.h"
#include "panic.h"
#include "span.h"
#include "tree.h"

/* One multiplication alone would give pages at some equal distances, Fibonacci numbers with this
 * factor, rising or falling priorities, and so make the tree a list. */
static uint64_t priority(const struct cmem__span *s) {
    uint64_t x = (uint64_t)(s->base >> PAGE_SHIFT) * 0x9E3779B97F4A7C15u;
    return (x ^ (x >> 32)) * 0xBF58476D1CE4E5B9u;
}

/* Splits t into the spans below `base` and those above it. */
static void split(struct cmem__span *t, uintptr_t base, enum cmem__tree k, struct cmem__span **lo,
                  struct cmem__span **hi) {
    while (t != NULL) {
        if (t->base < base) {
            *lo = t;
            lo = &t->link[k].right;
            t = t->link[k].right;
        } else {
            *hi = t;
            hi = &t->link[k].left;
            t = t->link[k].left;
        }
    }
    *lo = NULL;
    *hi = NULL;
}

/* Joins two trees, every span of lo below every one of hi. */
static struct cmem__span *join(struct cmem__span *lo, struct cmem__span *hi, enum cmem__tree k) {
    struct cmem__span *root = NULL, **at = &root;
    while (lo != NULL && hi != NULL) {
        if (priority(lo) > priority(hi)) {
            *at = lo;
            at = &lo->link[k].right;
            lo = lo->link[k].right;
        } else {
            *at = hi;
            at = &hi->link[k].left;
            hi = hi->link[k].left;
        }
    }
    *at = lo != NULL ? lo : hi;
    return root;
}

struct cmem__span *cmem__tree_insert(struct cmem__span *root, struct cmem__span *s, enum cmem__tree k) {
    uint64_t p = priority(s);
    struct cmem__span **at = &root;
    while (*at != NULL && priority(*at) >= p)
        at = s->base < (*at)->base ? &(*at)->link[k].left : &(*at)->link[k].right;
    struct cmem__span *below = *at;
    *at = s;
    split(below, s->base, k, &s->link[k].left, &s->link[k].right);
    return root;
}

struct cmem__span *cmem__tree_remove(struct cmem__span *root, struct cmem__span *s, enum cmem__tree k) {
    struct cmem__span **at = &root;
    while (*at != s) {
        insist(*at != NULL, "span is not in its tree", s->base);
        at = s->base < (*at)->base ? &(*at)->link[k].left : &(*at)->link[k].right;
    }
    *at = join(s->link[k].left, s->link[k].right, k);
    s->link[k].left = s->link[k].right = NULL;
    return root;
}

struct cmem__span *cmem__tree_min(struct cmem__span *root, enum cmem__tree k) {
    if (root == NULL) return NULL;
    while (root->link[k].left != NULL) root = root->link[k].left;
    return root;
}

/* Looks by rising address; counts *tries down. */
struct cmem__span *cmem__tree_first_fit(struct cmem__span *root, size_t npages, enum cmem__tree k,
                                        unsigned *tries) {
    if (root == NULL || *tries == 0) return NULL;
    struct cmem__span *s = cmem__tree_first_fit(root->link[k].left, npages, k, tries);
    if (s != NULL || *tries == 0) return s;
    --*tries;
    return tree_pages(root, k) >= npages ? root : cmem__tree_first_fit(root->link[k].right, npages, k, tries);
}
