/* pages.h: what the suites of the page heap share: spans, allocated and freed with every structure checked. */
#ifndef CMEM_TESTS_PAGES_H
#define CMEM_TESTS_PAGES_H

#include "fake_os.h"

#include "check.h"
#include "os.h"
#include "pageheap.h"
#include "sizeclass.h"
#include "span.h"

#include <criterion/criterion.h>

#define FIRST_PAGES (REGION_FIRST >> PAGE_SHIFT)

/* Each test begins with an empty heap, and so with the first region of 256 released pages. */
static inline struct cmem__span *span_alloc(size_t npages) {
    struct cmem__span *s = cmem__pages_alloc(npages, 1, SPAN_LARGE, NUM_CLASSES - 1);
    cr_assert_not_null(s);
    cr_assert_eq(s->npages, npages);
    cmem__check(true);
    return s;
}

static inline void span_free(struct cmem__span *s) {
    cmem__pages_free(s);
    cmem__check(true);
}

static inline size_t scavenge(uint64_t idle_ns) {
    size_t bytes = cmem_scavenge(idle_ns);
    cmem__check(true);
    cr_assert_eq(bytes % PAGE_SIZE, 0);
    return bytes / PAGE_SIZE;
}

/* Frees s, and releases all free pages. */
static inline void free_and_release(struct cmem__span *s) {
    span_free(s);
    scavenge(0);
}

static inline struct cmem__span *span_at(uintptr_t a) {
    cmem__pages_lock();
    struct cmem__span *s = cmem__pages_find(a);
    cmem__pages_unlock();
    return s;
}

static inline uintptr_t end_of(const struct cmem__span *s) { return s->base + s->npages * PAGE_SIZE; }

static inline void assert_free(uintptr_t base, size_t npages, enum cmem__kind kind) {
    struct cmem__span *s = span_at(base);
    cr_assert_eq(s->base, base);
    cr_assert_eq(s->npages, npages, "%zu pages, not %zu", s->npages, npages);
    cr_assert_eq(s->kind, kind);
}

static inline size_t released_pages(void) { return stats_now().heap_released / PAGE_SIZE; }

static inline size_t free_resident_pages(void) {
    struct cmem_stats st = stats_now();
    return (st.heap_idle - st.heap_released) / PAGE_SIZE;
}

/* Touches every page of s. */
static inline void touch(const struct cmem__span *s) { memset((void *)s->base, 1, s->npages * PAGE_SIZE); }

/* Allocates spans of the given lengths, one after the other, and fills the rest of their region. */
static inline void lay_out(struct cmem__span **out, const size_t *npages, size_t n) {
    size_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        out[i] = span_alloc(npages[i]);
        cr_assert_eq(out[i]->base, out[0]->base + sum * PAGE_SIZE);
        sum += npages[i];
    }
    if (sum < out[0]->region->npages) span_alloc(out[0]->region->npages - sum);
    cr_assert_eq(stats_now().heap_idle, 0);
}

/* The word by which a resident page is known, wherever it is moved: its address when it was written. */
static inline void mark_pages(const struct cmem__span *s) {
    for (uintptr_t a = s->base; a < end_of(s); a += PAGE_SIZE) *(uintptr_t *)a = a;
}

/* Makes a region look like the picture: a letter stands for `unit` pages: a dot for released ones, r for resident free
 * ones, anything else for ones in use; what follows is in use too. A span is as long as its letter repeats. */
static inline struct cmem__region *draw(const char *picture, size_t unit) {
    struct cmem__span *s[FIRST_PAGES];
    size_t npages[FIRST_PAGES], n = 0;
    char kind[FIRST_PAGES];
    for (const char *p = picture; *p != '\0'; n++) {
        kind[n] = *p;
        for (npages[n] = 0; *p == kind[n]; p++) npages[n] += unit;
    }
    lay_out(s, npages, n);
    struct cmem__region *r = s[0]->region;
    for (size_t i = 0; i < n; i++)
        if (kind[i] == '.') span_free(s[i]);
    scavenge(0);
    for (size_t i = 0; i < n; i++) {
        if (kind[i] != 'r') continue;
        mark_pages(s[i]);
        span_free(s[i]);
    }
    return r;
}

/* Frees what is in use from address a to the end of its region, and releases all free pages. */
static inline void empty_from(uintptr_t a) {
    const struct cmem__region *r = span_at(a)->region;
    uintptr_t end = r->base + r->npages * PAGE_SIZE;
    for (uintptr_t next; a < end; a = next) {
        struct cmem__span *s = span_at(a);
        next = end_of(s);
        if (s->kind == SPAN_LARGE) span_free(s);
    }
    scavenge(0);
}

static inline void empty_region(const struct cmem__region *r) { empty_from(r->base); }

#endif /* CMEM_TESTS_PAGES_H */
