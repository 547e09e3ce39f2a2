//go:build linux && (amd64 || arm64 || riscv64)

/* uncached.c: allocation and free of blocks without a cache. */
#include "base.h"
#include "block.h"
#include "cache.h"
#include "central.h"
#include "cmem.h"
#include "large.h"
#include "pageheap.h"
#include "panic.h"
#include "sizeclass.h"
#include "span.h"
#include "tool.h"
#include "uncached.h"

#include <string.h>

void *cmem__zero(void *p, size_t n, bool zeroed) {
    if (p == NULL) return NULL;
    if (zeroed) {
        unpoison_zeroed(p, n);
#if CMEM_DEBUG
        for (size_t i = 0; i < n; i++)
            insist(((unsigned char *)p)[i] == 0, "page known to be zero is not", (uintptr_t)p + i);
#endif
        return p;
    }
    unpoison(p, n);
    memset(p, 0, n);
    wrote(p, n);
    return p;
}

void *cmem__calloc_uncached(size_t n) {
    bool zeroed = false;
    if (n > CMEM_MAX_CLASS_SIZE || (n >= EXACT_MIN && class_spare(class_of(n), n) > 0)) {
        void *p = cmem__exact_alloc(n, 1, &zeroed);
        return cmem__zero(p, n, zeroed);
    }
    struct cmem__entry e;
    unsigned c = class_of(n);
    if (cmem__central_fetch(c, &e, 1, &zeroed) == 0) return NULL;
    cmem__cache_count_alloc(c, 1);
    tag_set(e.tag, c + 1);
    return cmem__zero((void *)e.block, n, zeroed);
}

/* Frees the live block at p; c and tag are what find_live said. */
static bool free_live(uintptr_t p, unsigned c, cmem__tag *tag) {
    c = cmem__class_or_span(p, c);
    if (c >= NUM_CLASSES) return cmem__exact_free(p);
    struct cmem__entry e = {p, tag};
    tag_set(tag, TAG_CACHED);
    poison(p, class_size(c));
    cmem__central_give(c, &e, 1);
    return true;
}

bool cmem__free_uncached(uintptr_t p) {
    cmem__tag *tag;
    unsigned c = find_live(p, &tag);
    return c + 1 != TAG_OWNED && free_live(p, c, tag); /* read once: its owner may free it now */
}

bool cmem__free_owned(uintptr_t p) {
    cmem__tag *tag;
    unsigned c = find_live(p, &tag);
    return free_live(p, c, tag);
}
