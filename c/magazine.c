//go:build linux && (amd64 || arm64 || riscv64)

/* magazine.c: what happens where a magazine is empty or full, or the cache is. */
#include "base.h"
#include "cache.h"
#include "central.h"
#include "large.h"
#include "magazine.h"
#include "scavenger.h"
#include "sizeclass.h"
#include "span.h"
#include "start.h"
#include "thread.h"
#include "tool.h"

#include <errno.h>
#include <string.h>

/* The calling thread's cache, made where it has none yet; NULL where it can't have one. */
static struct cmem__cache *thread_cache(void) {
    if (cmem__my_cache != NULL || cmem__my_cache_gone) return cmem__my_cache;
    cmem__init();
    return cmem__thread_cache_new();
}

/* Makes room in a full cache: half of the blocks go of the class of which most bytes lie there
 * beyond one block, then of the next such; so what the thread uses in turn stays, a block of each
 * class at least if there is room for that. */
static void evict(struct cmem__cache *ch) {
    while (ch->room <= 0) {
        size_t most = 0;
        unsigned cls = NUM_CLASSES;
        for (unsigned c = 0; c < NUM_CLASSES; c++) {
            size_t have = (size_t)(ch->mag[c].top - ch->mag[c].base);
            if (have == 0 || (have - 1) * class_size(c) < most) continue;
            most = (have - 1) * class_size(c);
            cls = c;
        }
        if (cls == NUM_CLASSES) return;
        cmem__cache_give_oldest(ch, cls, (size_t)(ch->mag[cls].top - ch->mag[cls].base + 1) / 2);
    }
}

/* Makes the magazine of class c where ch has none yet; false where memory is out. */
static bool magazine(struct cmem__cache *ch, unsigned c) {
    cache_enter(ch);
    bool ok = cmem__magazine_init(ch, c);
    cache_leave(ch);
    return ok;
}

void cmem__free_slow(unsigned c, struct cmem__entry e) {
    int saved = errno;
    struct cmem__cache *ch = thread_cache();
    tag_set(e.tag, TAG_CACHED);
    poison(e.block, class_size(c));
    if (ch == NULL || !magazine(ch, c)) {
        cmem__central_give(c, &e, 1);
        errno = saved;
        return;
    }
    struct cmem__magazine *m = &ch->mag[c];
    cache_enter(ch);
    cache_adopt(ch);
    if (m->top == m->end) cmem__cache_give_oldest(ch, c, (size_t)(m->end - m->base + 1) / 2);
    if (ch->room <= 0) evict(ch);
    *m->top = e;
    poke(m->top, m->top + 1);
    ch->room -= (int64_t)class_size(c);
    cache_leave(ch);
    errno = saved;
}

/* Whether n bytes are better served by a span of just their pages than by a block of class c. Notes
 * in ch, which may be NULL, that the class was asked for, whatever comes of it. As the function of
 * that name in cmem/, which a test compares. */
static bool exact(struct cmem__cache *ch, unsigned c, size_t n) {
    if (n < EXACT_MIN) return false;
    size_t spare = class_spare(c, n);
    uint32_t r = 0;
    if (ch != NULL) {
        r = ch->recent;
        ch->recent = (r & 0xFF) << 8 | c;
    }
    bool recent = (r & 0xFF) == c || r >> 8 == c;
    return spare > 0 && (!recent || spare > EXACT_SPARE >> PAGE_SHIFT);
}

/* Gives central what ch holds of EXACT_MIN and more, so that a block of another such class can be
 * made of it. */
static void give_large(struct cmem__cache *ch) {
    cache_enter(ch);
    bool some = ch->limit - ch->room >= (int64_t)EXACT_MIN; /* else all of it is less */
    for (unsigned c = class_of(EXACT_MIN); some && c < NUM_CLASSES; c++) {
        struct cmem__magazine *m = &ch->mag[c];
        if (m->top != m->base) cmem__cache_give_oldest(ch, c, (size_t)(m->top - m->base));
    }
    cache_leave(ch);
}

/* How many blocks of class c to fetch: one for the caller, the others as ch has room. */
static size_t wanted(struct cmem__cache *ch, unsigned c) {
    cache_enter(ch);
    cache_adopt(ch);
    int64_t room = ch->room;
    cache_leave(ch);
    if (room <= 0) return 1;
    size_t fits = (size_t)room / class_size(c) + 1, refill = class_refill(c);
    return refill < fits ? refill : fits;
}

void *cmem__alloc_slow(unsigned c, size_t n, bool *zeroed) {
    struct cmem__entry e[MAX_REFILL];
    struct cmem__cache *ch = thread_cache();
    if (ch != NULL && n >= EXACT_MIN) give_large(ch);
    if (exact(ch, c, n)) return cmem__huge_alloc(n, 1, zeroed);
    if (ch != NULL && !magazine(ch, c)) ch = NULL;
    size_t size = class_size(c), got = cmem__central_fetch(c, e, ch != NULL ? wanted(ch, c) : 1, zeroed);
    if (unlikely(got == 0)) {
        if (cmem__reclaim(class_pages(c))) got = cmem__central_fetch(c, e, 1, zeroed);
        if (got == 0) return NULL;
    }
    if (ch == NULL) {
        cmem__cache_count_alloc(c, 1);
    } else {
        struct cmem__magazine *m = &ch->mag[c];
        cache_enter(ch);
        for (size_t i = 1; i < got; i++) m->top[got - 1 - i] = e[i]; /* the lowest address on top */
        poke(m->top, m->top + got - 1);
        poke(m->allocs, m->allocs + 1);
        ch->room -= (int64_t)((got - 1) * size);
        cache_leave(ch);
    }
    tag_set(e[0].tag, c + 1);
    unpoison(e[0].block, n);
    return (void *)e[0].block;
}
