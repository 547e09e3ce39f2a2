//go:build linux && (amd64 || arm64 || riscv64)

/* central.c: per size class, the free blocks that are in no cache.
 *
 * A small class keeps its spans that have free blocks in a tree by address and serves from the
 * lowest, so that the others drain and go back to the page heap. A large class keeps nothing: its
 * blocks are spans, and the page heap, which all classes share, is their pool.
 */
#include "base.h"
#include "central.h"
#include "lock.h"
#include "meta.h"
#include "pageheap.h"
#include "pagemap.h"
#include "panic.h"
#include "sizeclass.h"
#include "span.h"
#include "transfer.h"
#include "tree.h"

/* A range of elements is initialized as GNU C has it; ISO C has no way that does not repeat them
 * all. */
__extension__ static struct central {
    struct cmem__lock lock;
    struct cmem__span *partial; /* tree of the spans with free blocks */
    size_t free_blocks;         /* in those */
} central[NUM_SMALL] = {[0 ... NUM_SMALL - 1] = {.lock = LOCK_INIT(RANK_CENTRAL)}};

/* For each class, the blocks in callers' hands, in caches and in its transfer list. (So nothing is
 * counted when blocks go from cache to cache.) */
static _Atomic long out_blocks[NUM_CLASSES];

void cmem__central_count_out(unsigned c, long n) {
    atomic_fetch_add_explicit(&out_blocks[c], n, memory_order_relaxed);
}

struct cmem__span *cmem__central_span(size_t npages, size_t align_pages, enum cmem__kind kind, unsigned c) {
    if (cmem__transfer_any()) {
        cmem__pages_set_transfer(cmem__transfer_bytes());
        struct cmem__span *s = cmem__pages_alloc_resident(npages, align_pages, kind, c);
        if (s != NULL) return s;
        cmem__central_trim(true);
        cmem__pages_set_transfer(cmem__transfer_bytes());
    }
    return cmem__pages_alloc(npages, align_pages, kind, c);
}

/* -------------------------------------------------------------------------------- small classes */

/* Gets a span of class c and makes its state; in no tree yet. Called without a lock. */
static struct cmem__span *span_new(unsigned c) {
    struct cmem__span *s = cmem__central_span(class_pages(c), 1, SPAN_SMALL, c);
    if (s == NULL) return NULL;
    s->nblocks = (uint16_t)class_blocks(c);
    s->unit = (uint32_t)((class_pages(c) << PAGE_SHIFT) / SPAN_TAGS);
    s->magic = (uint32_t)((((uint64_t)1 << 32) + s->unit - 1) / s->unit);
    s->nfree = s->nblocks;
    s->scan = 0;
    s->partial = false;
    s->tags = cmem__meta_alloc(SPAN_TAGS);
    if (s->tags == NULL) {
        cmem__pages_free(s);
        return NULL;
    }
    for (size_t i = 0; i < s->npages; i++) {
        /* Release: whoever sees the tag sees the span's fields too. */
        atomic_store_explicit(pagemap_tag(s->base + i * PAGE_SIZE), (uint8_t)(TAG_SMALL + c),
                              memory_order_release);
    }
    return s;
}

/* Gives an empty span, in no tree, to the page heap. */
static void span_delete(struct cmem__span *s) {
    for (size_t i = 0; i < s->npages; i++) tag_set(pagemap_tag(s->base + i * PAGE_SIZE), TAG_NONE);
    cmem__tag *tags = s->tags; /* until it is the page heap's, whoever has that one's lock may look at them */
    cmem__pages_free(s);
    cmem__meta_free(tags, SPAN_TAGS);
}

static void partial_insert(struct central *ce, struct cmem__span *s) {
    ce->partial = cmem__tree_insert(ce->partial, s, TREE_SPANS);
    s->partial = true;
}

static void partial_remove(struct central *ce, struct cmem__span *s) {
    ce->partial = cmem__tree_remove(ce->partial, s, TREE_SPANS);
    s->partial = false;
}

/* Takes up to n blocks of s, lowest first. */
static size_t span_take(struct cmem__span *s, struct cmem__entry *out, size_t n) {
    size_t got = 0;
    unsigned i = s->scan, shift = class_tag_shift(s->cls);
    for (; got < n && s->nfree > 0; i++) {
        insist(i < s->nblocks, "span has fewer free blocks than it counts", s->base);
        cmem__tag *tag = &s->tags[i << shift];
        if (tag_get(tag) != TAG_NONE) continue;
        tag_set(tag, TAG_CACHED);
        s->nfree--;
        out[got++] = (struct cmem__entry){s->base + i * class_size(s->cls), tag};
    }
    s->scan = (uint16_t)i;
    return got;
}

static size_t fetch_small(unsigned c, struct cmem__entry *out, size_t n) {
    struct central *ce = &central[c];
    size_t got = 0;
    lock(&ce->lock);
    while (got < n) {
        struct cmem__span *s = cmem__tree_min(ce->partial, TREE_SPANS);
        if (s == NULL) {
            unlock(&ce->lock);
            s = span_new(c);
            if (s == NULL) return got;
            lock(&ce->lock);
            partial_insert(ce, s);
            ce->free_blocks += s->nfree;
        }
        size_t k = span_take(s, out + got, n - got);
        got += k;
        ce->free_blocks -= k;
        if (s->nfree == 0) partial_remove(ce, s);
    }
    unlock(&ce->lock);
    return got;
}

/* Takes one block back; returns its span where that is empty now and out of the tree. */
static struct cmem__span *put_back(struct central *ce, const struct cmem__entry *e) {
    struct cmem__span *s = pagemap_span(e->block);
    insist(s != NULL && s->kind == SPAN_SMALL && tag_get(e->tag) == TAG_CACHED,
           "a block came back that is not out (freed twice at the same time?)", e->block);
    unsigned i = (unsigned)(e->tag - s->tags) >> class_tag_shift(s->cls);
    tag_set(e->tag, TAG_NONE);
    if (i < s->scan) s->scan = (uint16_t)i;
    s->nfree++;
    ce->free_blocks++;
    if (s->nfree == s->nblocks) {
        if (s->partial) partial_remove(ce, s);
        ce->free_blocks -= s->nblocks;
        return s;
    }
    if (!s->partial) partial_insert(ce, s);
    return NULL;
}

static void give_small(unsigned c, const struct cmem__entry *in, size_t n) {
    struct central *ce = &central[c];
    struct cmem__span *empty = NULL; /* chained by next */
    lock(&ce->lock);
    for (size_t i = 0; i < n; i++) {
        struct cmem__span *s = put_back(ce, &in[i]);
        if (s != NULL) {
            s->next = empty;
            empty = s;
        }
    }
    unlock(&ce->lock);
    while (empty != NULL) {
        struct cmem__span *s = empty;
        empty = s->next;
        s->next = NULL;
        span_delete(s);
    }
}

/* -------------------------------------------------------------------------------- large classes */

static size_t fetch_large(unsigned c, struct cmem__entry *out, size_t n, bool *zeroed) {
    for (size_t got = 0; got < n; got++) {
        struct cmem__span *s = cmem__central_span(class_pages(c), 1, SPAN_LARGE, c);
        if (s == NULL) return got;
        if (zeroed != NULL && got == 0) *zeroed = s->zeroed;
        out[got] = (struct cmem__entry){s->base, pagemap_tag(s->base)};
        tag_set(out[got].tag, TAG_CACHED);
    }
    return n;
}

static void give_large(const struct cmem__entry *e) {
    struct cmem__span *s = pagemap_span(e->block);
    insist(s != NULL && s->kind == SPAN_LARGE && s->base == e->block && tag_get(e->tag) == TAG_CACHED,
           "a block came back that is not out (freed twice at the same time?)", e->block);
    tag_set(e->tag, TAG_NONE);
    cmem__pages_free(s);
}

/* ----------------------------------------------------------------------------------------- both */

size_t cmem__central_fetch(unsigned c, struct cmem__entry *out, size_t n, bool *zeroed) {
    size_t ready = cmem__transfer_take(c, out, n), got;
    if (zeroed != NULL) *zeroed = false;
    if (ready == n) return n;
    out += ready;
    n -= ready;
    got = class_is_small(c) ? fetch_small(c, out, n) : fetch_large(c, out, n, ready == 0 ? zeroed : NULL);
    cmem__central_count_out(c, (long)got);
    return ready + got;
}

void cmem__central_free(unsigned c, const struct cmem__entry *in, size_t n) {
    cmem__central_count_out(c, -(long)n);
    if (class_is_small(c)) {
        give_small(c, in, n);
        return;
    }
    for (size_t i = 0; i < n; i++) give_large(&in[i]);
}

void cmem__central_give(unsigned c, const struct cmem__entry *in, size_t n) {
    size_t k = cmem__transfer_put(c, in, n);
    if (k < n) cmem__central_free(c, in + k, n - k);
}

void cmem__central_give_mixed(const struct cmem__entry *in, size_t n) {
    for (size_t i = 0; i < n;) {
        struct cmem__span *s = pagemap_span(in[i].block);
        insist(s != NULL, "a cached block is in no span", in[i].block);
        unsigned c = s->cls;
        size_t j = i + 1;
        while (j < n && (s = pagemap_span(in[j].block)) != NULL && s->cls == c) j++;
        cmem__central_give(c, in + i, j - i);
        i = j;
    }
}

void cmem__central_trim(bool all) {
    struct cmem__entry e[TRANSFER_TRIM];
    for (unsigned c = TRANSFER_FIRST; c < NUM_CLASSES; c++) {
        size_t n;
        bool more;
        do {
            more = cmem__transfer_trim(c, all, e, &n);
            if (n > 0) cmem__central_free(c, e, n);
        } while (more);
    }
}

size_t cmem__central_out(unsigned c) {
    long n = atomic_load_explicit(&out_blocks[c], memory_order_relaxed) - (long)cmem__transfer_blocks(c);
    return n > 0 ? (size_t)n : 0;
}

size_t cmem__central_free_bytes(void) {
    size_t bytes = cmem__transfer_bytes();
    for (unsigned c = 0; c < NUM_SMALL; c++) {
        lock(&central[c].lock);
        bytes += central[c].free_blocks * class_size(c);
        unlock(&central[c].lock);
    }
    return bytes;
}

void cmem__central_lock(void) {
    for (unsigned c = 0; c < NUM_SMALL; c++) lock(&central[c].lock);
}
void cmem__central_unlock(void) {
    for (unsigned c = NUM_SMALL; c-- > 0;) unlock(&central[c].lock);
}

/* ---------------------------------------------------------------------------------------- check */

#if CMEM_DEBUG

/* A span of the tree: counts and order. Returns its free blocks and those of its subtrees. */
static size_t check_partial(const struct cmem__span *s, unsigned c, uintptr_t lo, uintptr_t hi) {
    if (s == NULL) return 0;
    insist(s->base >= lo && s->base < hi, "central tree is out of order", s->base);
    insist(s->kind == SPAN_SMALL && s->cls == c && s->partial, "span in the wrong central list", s->base);
    insist(s->nfree > 0 && s->nfree < s->nblocks, "span in a central list is full or empty", s->base);
    unsigned nfree = 0, shift = class_tag_shift(c);
    for (unsigned i = 0; i < SPAN_TAGS; i++) {
        uint8_t t = tag_get(&s->tags[i]);
        uintptr_t at = s->base + (uintptr_t)i * s->unit;
        if ((i >> shift) << shift != i) {
            insist(t == TAG_NONE, "tag inside a block", at);
            continue;
        }
        insist(t == TAG_NONE || t == TAG_CACHED || t == TAG_ATTACHED || t == TAG_OWNED || t == c + 1,
               "bad tag of a block", at);
        if (t == TAG_NONE) nfree++;
        insist(t != TAG_NONE || i >> shift >= s->scan, "free block below the scan index", at);
    }
    insist(nfree == s->nfree, "span's count of free blocks is wrong", s->base);
    return nfree + check_partial(s->link[TREE_SPANS].left, c, lo, s->base) +
           check_partial(s->link[TREE_SPANS].right, c, s->base + 1, hi);
}

void cmem__central_check(void) {
    cmem__transfer_check();
    for (unsigned c = 0; c < NUM_SMALL; c++) {
        struct central *ce = &central[c];
        lock(&ce->lock);
        insist(check_partial(ce->partial, c, 0, UINTPTR_MAX) == ce->free_blocks,
               "central's count of free blocks", c);
        unlock(&ce->lock);
    }
}

#endif
