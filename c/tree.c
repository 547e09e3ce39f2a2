//go:build linux

/* tree.c: address-ordered trees of spans (treaps: the priority is a hash of the address, so the shape depends on
 * the members only and no random state is kept). Insert and remove take O(log n) expected. */
#include "internal.h"

static uint64_t priority(const struct cmem__span *s) {
    uint64_t x = (uint64_t)(s->base >> PAGE_SHIFT) * 0x9E3779B97F4A7C15u;
    return x ^ (x >> 29);
}

/* Splits t into the spans below `base` and those above it. */
static void split(struct cmem__span *t, uintptr_t base, struct cmem__span **lo, struct cmem__span **hi) {
    while (t != NULL) {
        if (t->base < base) {
            *lo = t;
            lo = &t->right;
            t = t->right;
        } else {
            *hi = t;
            hi = &t->left;
            t = t->left;
        }
    }
    *lo = NULL;
    *hi = NULL;
}

/* Joins two trees, every span of lo below every one of hi. */
static struct cmem__span *join(struct cmem__span *lo, struct cmem__span *hi) {
    struct cmem__span *root = NULL, **at = &root;
    while (lo != NULL && hi != NULL) {
        if (priority(lo) > priority(hi)) {
            *at = lo;
            at = &lo->right;
            lo = lo->right;
        } else {
            *at = hi;
            at = &hi->left;
            hi = hi->left;
        }
    }
    *at = lo != NULL ? lo : hi;
    return root;
}

struct cmem__span *cmem__tree_insert(struct cmem__span *root, struct cmem__span *s) {
    uint64_t p = priority(s);
    struct cmem__span **at = &root;
    while (*at != NULL && priority(*at) >= p) at = s->base < (*at)->base ? &(*at)->left : &(*at)->right;
    struct cmem__span *below = *at;
    *at = s;
    split(below, s->base, &s->left, &s->right);
    return root;
}

struct cmem__span *cmem__tree_remove(struct cmem__span *root, struct cmem__span *s) {
    struct cmem__span **at = &root;
    while (*at != s) {
        insist(*at != NULL, "span is not in its tree", s->base);
        at = s->base < (*at)->base ? &(*at)->left : &(*at)->right;
    }
    *at = join(s->left, s->right);
    s->left = s->right = NULL;
    return root;
}

struct cmem__span *cmem__tree_min(struct cmem__span *root) {
    if (root == NULL) return NULL;
    while (root->left != NULL) root = root->left;
    return root;
}

/* The lowest span of at least npages: a walk over the whole tree in the worst case. The page heap needs it only for
 * the one bin whose spans may be too short. */
struct cmem__span *cmem__tree_first_fit(struct cmem__span *root, size_t npages) {
    if (root == NULL) return NULL;
    struct cmem__span *s = cmem__tree_first_fit(root->left, npages);
    if (s != NULL) return s;
    return root->npages >= npages ? root : cmem__tree_first_fit(root->right, npages);
}
