/* magazine.h: magazines, their owner's side, for C threads: package cmem does the same for Ps.
 *
 * Lock: none: between cache_enter and cache_leave the cache is its owner's alone. Called by the
 * public functions.
 *
 * Only a debug build has caches while a tool watches, so that its tests see the tools with and
 * without: pop and push of a release tell them nothing.
 */
#ifndef CMEM_MAGAZINE_H
#define CMEM_MAGAZINE_H

#include "base.h"
#include "cache.h"
#include "panic.h"
#include "sizeclass.h"
#include "span.h"
#include "tool.h"

#include <stdbool.h>

/* A block of class c for n bytes from ch, or NULL where its magazine is empty. */
static inline void *pop(struct cmem__cache *ch, unsigned c, size_t n) {
    struct cmem__magazine *m = &ch->mag[c];
    cache_enter(ch);
    if (unlikely(m->top == m->base)) {
        cache_leave(ch);
        return NULL;
    }
    struct cmem__entry *e = m->top - 1;
    insist(tag_get(e->tag) == TAG_CACHED, "cached block is in use (freed twice at the same time?)", e->block);
    tag_set(e->tag, c + 1);
    poke(m->top, e);
    poke(m->allocs, m->allocs + 1);
    ch->share.room += (int64_t)class_size(c);
    void *p = (void *)e->block;
    cache_leave(ch);
    if (CMEM_DEBUG) unpoison(p, n);
    return p;
}

/* Puts a block of class c into ch; false where the magazine or the cache is full. */
static inline bool push(struct cmem__cache *ch, unsigned c, struct cmem__entry e) {
    struct cmem__magazine *m = &ch->mag[c];
    cache_enter(ch);
    bool fits = likely(m->top != m->end && ch->share.room > 0);
    if (fits) {
        tag_set(e.tag, TAG_CACHED);
        if (CMEM_DEBUG) poison(e.block, class_size(c));
        *m->top = e;
        poke(m->top, m->top + 1);
        ch->share.room -= (int64_t)class_size(c);
    }
    cache_leave(ch);
    return fits;
}

/* A block of class c for n bytes when the magazine is empty: refills it. */
void *cmem__alloc_slow(unsigned c, size_t n, bool *zeroed);

/* The same, for an alignment that class c has: the block is of that class, or of whole pages. */
void *cmem__alloc_slow_aligned(unsigned c, size_t n);

/* Counts a free that went past the calling thread's cache. */
void cmem__count_overflow(void);

/* The free of a block that push refused. */
void cmem__free_slow(unsigned c, struct cmem__entry e);

#endif /* CMEM_MAGAZINE_H */
