//go:build linux && (amd64 || arm64 || riscv64)

/* magazine.c: the slow paths of C threads: a magazine is empty or full, or the cache has no
 * room. */
#include "base.h"
#include "budget.h"
#include "cache.h"
#include "central.h"
#include "magazine.h"
#include "miss.h"
#include "policy.h"
#include "scavenger.h"
#include "sizeclass.h"
#include "span.h"
#include "start.h"
#include "thread.h"
#include "tool.h"

#include <errno.h>

/* The calling thread's cache, made where it has none yet; NULL where it can't have one. */
static struct cmem__cache *thread_cache(void) {
    if (cmem__my_cache != NULL || cmem__my_cache_gone) return cmem__my_cache;
    cmem__init();
    return cmem__thread_cache_new();
}

/* Makes the magazine of class c where ch has none yet; false where memory is out. */
static bool magazine(struct cmem__cache *ch, unsigned c) {
    cache_enter(ch);
    bool ok = cmem__magazine_init(ch, c);
    cache_leave(ch);
    return ok;
}

/* Gives the central lists the older half of ch's magazine of class c (policy_leave), as far as
 * LEAVE_MOST allows. *given counts the blocks. */
static void give_half(struct cmem__cache *ch, unsigned c, size_t *given) {
    size_t k = policy_leave(magazine_count(&ch->mag[c]));
    if (k > LEAVE_MOST - *given) k = LEAVE_MOST - *given;
    cmem__cache_give_oldest(ch, c, k);
    *given += k;
}

/* Makes room in ch for a block of class c. */
static void make_room(struct cmem__cache *ch, unsigned c) {
    size_t given = 0;
    const struct cmem__magazine *m = &ch->mag[c];
    if (m->top == m->end) give_half(ch, c, &given);
    while (ch->share.room <= 0 && given < LEAVE_MOST) {
        unsigned from = policy_evict(ch);
        if (from == NUM_CLASSES) return;
        give_half(ch, from, &given);
    }
}

void cmem__count_overflow(void) {
    struct cmem__cache *ch = cmem__my_cache;
    if (ch == NULL) return;
    cache_enter(ch);
    share_overflow(&ch->share);
    struct cmem__trips due = share_trips(&ch->share);
    cache_leave(ch);
    cache_judge(&ch->share, &due);
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
    cache_enter(ch);
    share_adopt(&ch->share);
    if (ch->share.room <= 0) share_overflow(&ch->share);
    struct cmem__trips due = share_trips(&ch->share);
    make_room(ch, c);
    put_top(ch, c, e);
    cache_leave(ch);
    cache_judge(&ch->share, &due);
    errno = saved;
}

/* Gives the central lists all blocks of `exact` bytes and more that ch holds, so that a block of
 * another such class can be made of their pages. */
static void give_large(struct cmem__cache *ch, size_t exact) {
    if (ch->share.capacity - ch->share.room < (int64_t)exact) return; /* all of it is less */
    for (unsigned c = NUM_CLASSES; c-- > 0 && class_size(c) >= exact;) {
        size_t n = magazine_count(&ch->mag[c]);
        if (n > 0) cmem__cache_give_oldest(ch, c, n);
    }
}

/* The first part of a miss, in the cache: returns a block of a larger class where the policy has
 * one, else NULL with t filled. */
static void *miss(struct cmem__cache *ch, unsigned c, bool borrows, struct cmem__trip *t) {
    struct cmem__share *sh = &ch->share;
    share_adopt(sh);
    unsigned from = borrows && share_boosted(sh) ? policy_borrow(ch, c) : c;
    if (from != c) return take_top(ch, from);
    if (t->n >= sh->exact) give_large(ch, sh->exact);
    share_miss(sh, t->n);
    t->trips = share_trips(sh);
    t->room = sh->room;
    t->recent = ch->recent;
    return NULL;
}

/* The second part, in the cache again: puts what t has brought into the magazine. */
static void refill(struct cmem__cache *ch, unsigned c, const struct cmem__trip *t) {
    struct cmem__magazine *m = &ch->mag[c];
    ch->recent = t->recent;
    if (t->exact) return;
    for (uint32_t i = 1; i <= t->len; i++) m->top[t->len - i] = t->e[i]; /* the lowest address on top */
    poke(m->top, m->top + t->len);
    poke(m->allocs, m->allocs + 1);
    ch->share.room -= (int64_t)(t->len * class_size(c));
}

static void *alloc_slow(unsigned c, size_t n, bool borrows, bool *zeroed) {
    struct cmem__trip t;
    struct cmem__cache *ch = thread_cache();
    if (ch != NULL && !magazine(ch, c)) ch = NULL;
    t.n = n < LARGE_MIN ? class_size(c) : n; /* of class c, also where that is for an alignment */
    t.share = ch != NULL ? &ch->share : NULL;
    t.recent = t.len = 0;
    t.trips = NO_TRIPS;
    if (ch != NULL) {
        cache_enter(ch);
        void *p = miss(ch, c, borrows, &t);
        cache_leave(ch);
        if (p != NULL) {
            unpoison(p, n);
            return p;
        }
    }
    cmem__miss(&t, zeroed);
    if (unlikely(t.block == 0) && !t.exact && cmem__reclaim((t.n >> PAGE_SHIFT) + 1)) {
        t.room = 0;
        t.trips = NO_TRIPS;
        cmem__miss(&t, zeroed);
    }
    if (t.block == 0) return NULL;
    if (ch != NULL) {
        cache_enter(ch);
        refill(ch, c, &t);
        cache_leave(ch);
    } else if (!t.exact) {
        cmem__cache_count_alloc(c, 1);
    }
    unpoison(t.block, n);
    return (void *)t.block;
}

void *cmem__alloc_slow(unsigned c, size_t n, bool *zeroed) { return alloc_slow(c, n, true, zeroed); }

void *cmem__alloc_slow_aligned(unsigned c, size_t n) { return alloc_slow(c, n, false, NULL); }
