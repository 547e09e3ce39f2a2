//go:build linux && (amd64 || arm64 || riscv64)

/* large.c: blocks that are a span of their own: exact ones, aligned ones, and how a realloc trims
 * one. */
#include "base.h"
#include "block.h"
#include "cache.h"
#include "central.h"
#include "cmem.h"
#include "large.h"
#include "pageheap.h"
#include "pagemap.h"
#include "scavenger.h"
#include "sizeclass.h"
#include "span.h"
#include "tool.h"

#include <errno.h>

/* cmem__central_span, once more after a reclaim. */
static struct cmem__span *span_alloc(size_t npages, size_t align_pages, enum cmem__kind kind, unsigned c) {
    struct cmem__span *s = cmem__central_span(npages, align_pages, kind, c);
    if (likely(s != NULL) || !cmem__reclaim(npages)) return s;
    return cmem__pages_alloc(npages, align_pages, kind, c);
}

static bool too_large(size_t n) {
    if (likely(n <= PTRDIFF_MAX - PAGE_SIZE)) return false;
    errno = ENOMEM;
    return true;
}

void *cmem__exact_alloc(size_t n, size_t align_pages, bool *zeroed) {
    if (too_large(n)) return NULL;
    struct cmem__span *s = span_alloc((n + PAGE_SIZE - 1) >> PAGE_SHIFT, align_pages, SPAN_EXACT, 0);
    if (s == NULL) return NULL;
    if (zeroed != NULL) *zeroed = s->zeroed;
    tag_set(pagemap_tag(s->base), TAG_EXACT);
    unpoison(s->base, n);
    return (void *)s->base;
}

void *cmem__alloc_large_aligned(size_t align_pages, size_t n) {
    unsigned c = class_of(n < LARGE_MIN ? LARGE_MIN : n);
    struct cmem__span *s = span_alloc(class_pages(c), align_pages, SPAN_LARGE, c);
    if (s == NULL) return NULL;
    cmem__central_count_out(c, 1);
    cmem__cache_count_alloc(c, 1);
    tag_set(pagemap_tag(s->base), c + 1);
    unpoison(s->base, n);
    return (void *)s->base;
}

/* Frees the tail of the large or exact block at p, which then holds n >= LARGE_MIN bytes. The block
 * stays as it is where it is attached or owned, or memory is out. */
static void trim(uintptr_t p, size_t n) {
    cmem__tag *tag;
    unsigned was = find_live(p, &tag);
    struct cmem__span *s = pagemap_span(p);
    if ((was >= NUM_CLASSES && was + 1 != TAG_EXACT) || s == NULL) return;
    bool was_exact = s->kind == SPAN_EXACT, huge = n > CMEM_MAX_CLASS_SIZE;
    unsigned old = s->cls, c = huge ? 0 : class_of(n);
    size_t pages = huge ? (n + PAGE_SIZE - 1) >> PAGE_SHIFT : class_pages(c);
    if (!cmem__pages_trim(s, pages) || huge) return;
    cmem__pages_reclass(s, SPAN_LARGE, c);
    tag_set(pagemap_tag(p), c + 1);
    if (!was_exact) cmem__central_count_out(old, -1);
    cmem__central_count_out(c, 1);
}

size_t cmem__shrink(uintptr_t p, size_t n) {
    trim(p, n);
    size_t have = cmem__usable(p); /* the tail may be somebody else's by now */
    unpoison_resize(p, n, have);
    return have;
}
