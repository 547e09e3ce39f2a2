//go:build linux && (amd64 || arm64 || riscv64)

/* report.c: says what an address is, and what is wrong with it where the caller broke the rules. */
#include "base.h"
#include "pageheap.h"
#include "pagemap.h"
#include "panic.h"
#include "report.h"
#include "sizeclass.h"
#include "span.h"

#include <stdio.h>

/* In the small span s: the block that covers p. */
static struct cmem__place locate_small(const struct cmem__span *s, uintptr_t p) {
    unsigned shift = class_tag_shift(s->cls), i = (unsigned)(((p - s->base) * s->magic) >> 32) >> shift;
    uint8_t t = tag_get(&s->tags[i << shift]);
    bool live = t != TAG_NONE && t != TAG_CACHED;
    size_t size = class_size(s->cls);
    struct cmem__place at = {.block = s->base + i * size, .size = size, .owned = t == TAG_OWNED};
    if (at.block == p)
        at.where = live ? WHERE_LIVE : WHERE_FREE;
    else
        at.where = live ? WHERE_INTERIOR_LIVE : WHERE_INTERIOR_FREE;
    return at;
}

/* In s, one large or exact block. */
static struct cmem__place locate_large(const struct cmem__span *s, uintptr_t p) {
    uint8_t t = tag_get(pagemap_tag(s->base));
    bool live = t != TAG_NONE && t != TAG_CACHED;
    struct cmem__place at = {.block = s->base, .size = s->npages << PAGE_SHIFT, .owned = t == TAG_OWNED};
    if (s->base == p)
        at.where = live ? WHERE_LIVE : WHERE_FREE;
    else
        at.where = live ? WHERE_INTERIOR_LIVE : WHERE_INTERIOR_FREE;
    return at;
}

struct cmem__place cmem__locate(uintptr_t p) {
    struct cmem__place at = {.where = WHERE_FOREIGN};
    cmem__pages_lock();
    struct cmem__span *s = cmem__pages_find(p);
    if (s != NULL) {
        if (s->kind == SPAN_SMALL &&
            atomic_load_explicit(pagemap_tag(s->base), memory_order_acquire) == TAG_SMALL + s->cls)
            at = locate_small(s, p);
        else if (s->kind == SPAN_LARGE || s->kind == SPAN_EXACT)
            at = locate_large(s, p);
        else
            at.where = WHERE_NO_BLOCK;
    }
    cmem__pages_unlock();
    return at;
}

/* Set once, before any misuse of what is Go's. */
static atomic_bool go_memory;

void cmem__report_go_memory(void) { atomic_store_explicit(&go_memory, true, memory_order_relaxed); }

enum cmem__where cmem__describe(uintptr_t p, enum cmem__use use, char *buf, size_t len) {
    struct cmem__place at = cmem__locate(p);
    const char *fault = use == USE_FREES ? "double free" : "use after free";
    int n = 0;
    switch (at.where) {
    case WHERE_FOREIGN:
        n = snprintf(buf, len, "foreign pointer: not in cmem's heap%s",
                     atomic_load_explicit(&go_memory, memory_order_relaxed)
                         ? " (with -race Go's buffers are Go memory: free them in Go)"
                         : "");
        break;
    case WHERE_NO_BLOCK:
        n = snprintf(buf, len, "%s or stray pointer: in cmem's heap, where no block is now", fault);
        break;
    case WHERE_FREE:
        n = snprintf(buf, len, "%s: the block of %zu bytes is free%s", fault, at.size,
                     use == USE_FREES ? " already" : "");
        break;
    case WHERE_LIVE:
        if (at.owned)
            n = snprintf(
                buf, len,
                "owned block: its %zu bytes belong to a Go handle (cmem.Buffer) or arena (cmem.Arena), "
                "whose Free frees them",
                at.size);
        else
            n = snprintf(buf, len, "a live block of %zu bytes", at.size);
        break;
    case WHERE_INTERIOR_LIVE:
    case WHERE_INTERIOR_FREE:
        n = snprintf(buf, len, "not the start of a block: %zu bytes into the %s block of %zu bytes at %#zx",
                     (size_t)(p - at.block), at.where == WHERE_INTERIOR_LIVE ? "live" : "free", at.size,
                     at.block);
        break;
    }
    if (n < 0) buf[0] = '\0';
    return at.where;
}

void cmem__misuse(const char *func, enum cmem__use use, uintptr_t p) {
    char what[200];
    cmem__describe(p, use, what, sizeof what);
    cmem__die("cmem: %s(%#zx): %s\n", func, (size_t)p, what);
}
