/* magazine.h: how a C thread takes blocks from the magazines of its cache and puts blocks into
 * them: the fast paths, pop and push, and the slow paths. Package cmem does the same for Ps.
 *
 * Lock: none. From cache_enter to cache_leave the cache is its owner's alone. Called by the public
 * functions.
 *
 * While a tool watches the memory, a release build has no caches. A debug build has, so that its
 * tests see the tools with caches too. Hence pop and push tell the tool in a debug build only.
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

/* In the cache: takes the block on top of the magazine of class c, which is not empty. */
static inline void *take_top(struct cmem__cache *ch, unsigned c) {
    struct cmem__magazine *m = &ch->mag[c];
    struct cmem__entry *e = m->top - 1;
    insist(tag_get(e->tag) == TAG_CACHED, "cached block is in use (freed twice at the same time?)", e->block);
    tag_set(e->tag, c + 1);
    poke(m->top, e);
    poke(m->allocs, m->allocs + 1);
    ch->share.room += (int64_t)class_size(c);
    return (void *)e->block;
}

/* In the cache: puts e on top of the magazine of class c, which is not full. */
static inline void put_top(struct cmem__cache *ch, unsigned c, struct cmem__entry e) {
    struct cmem__magazine *m = &ch->mag[c];
    *m->top = e;
    poke(m->top, m->top + 1);
    ch->share.room -= (int64_t)class_size(c);
}

/* A block of class c for n bytes from ch, or NULL where its magazine is empty. */
static inline void *pop(struct cmem__cache *ch, unsigned c, size_t n) {
    const struct cmem__magazine *m = &ch->mag[c];
    cache_enter(ch);
    if (unlikely(m->top == m->base)) {
        cache_leave(ch);
        return NULL;
    }
    void *p = take_top(ch, c);
    cache_leave(ch);
    if (CMEM_DEBUG) unpoison(p, n);
    return p;
}

/* Puts a block of class c into ch; false where the magazine or the cache is full. */
static inline bool push(struct cmem__cache *ch, unsigned c, struct cmem__entry e) {
    const struct cmem__magazine *m = &ch->mag[c];
    cache_enter(ch);
    bool fits = likely(m->top != m->end && ch->share.room > 0);
    if (fits) {
        tag_set(e.tag, TAG_CACHED);
        if (CMEM_DEBUG) poison(e.block, class_size(c));
        put_top(ch, c, e);
    }
    cache_leave(ch);
    return fits;
}

/* A block for n bytes, of class c, when that magazine is empty; also refills the magazine. The
 * block may be of a larger class or exact instead (policy.h). *zeroed tells whether it reads as
 * zero; may be NULL. NULL with errno ENOMEM. */
void *cmem__alloc_slow(unsigned c, size_t n, bool *zeroed);

/* The same for an alignment that blocks of class c have: the block is of class c, or exact. */
void *cmem__alloc_slow_aligned(unsigned c, size_t n);

/* Counts an uncached free as an overflow of the calling thread's cache, if it has one. */
void cmem__count_overflow(void);

/* Frees the block e of class c, which push has refused. Keeps errno. */
void cmem__free_slow(unsigned c, struct cmem__entry e);

#endif /* CMEM_MAGAZINE_H */
