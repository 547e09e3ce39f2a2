//go:build linux && (amd64 || arm64 || riscv64)

/* cache.c: making, emptying and counting caches.
 *
 * The fast paths (magazine.h for C threads, cmem/pinned_c.go for Ps) only move a magazine's top.
 * The slow paths, for a magazine that is empty or full, are in magazine.c, and for Ps in
 * cmem/miss_c.go and overflow_c.go. policy.h decides for both.
 */
#include "base.h"
#include "budget.h"
#include "cache.h"
#include "central.h"
#include "cmem.h"
#include "lock.h"
#include "meta.h"
#include "os.h"
#include "pageheap.h"
#include "pagemap.h"
#include "panic.h"
#include "sizeclass.h"
#include "span.h"
#include "tool.h"
#include "transfer.h"

#include <string.h>

static struct {
    struct cmem__lock lock;
    struct cmem__cache *all;           /* chained by next and prev */
    struct cmem__cache *spare;         /* chained by next */
    uint64_t past_allocs[NUM_CLASSES]; /* of caches that are gone */
} reg = {.lock = LOCK_INIT(RANK_REGISTRY)};

/* Held while caches of other threads are drained. */
static struct cmem__lock drain = LOCK_INIT(RANK_DRAIN);

/* Uncached allocations. */
static _Atomic uint64_t uncached_allocs[NUM_CLASSES];

bool cmem__cacheless(void) { return !CMEM_DEBUG && cmem__tool_find() != TOOL_NONE; }

struct cmem__cache *cmem__cache_new(enum cmem__cache_kind kind) {
    if (cmem__cacheless()) return NULL;
    lock(&reg.lock);
    struct cmem__cache *ch = reg.spare;
    if (ch != NULL) reg.spare = ch->next;
    unlock(&reg.lock);
    if (ch == NULL) {
        ch = cmem__meta_alloc(sizeof *ch);
        if (ch == NULL) return NULL;
    }
    if (kind == CACHE_P) cmem__transfer_counts(&ch->sent);
    cmem__budget_join(&ch->share, kind);
    ch->recent = 0; /* a spare one has another's */
    memset(ch->low, 0, sizeof ch->low);
    ch->prev = NULL;
    lock(&reg.lock);
    ch->next = reg.all;
    if (ch->next != NULL) ch->next->prev = ch;
    reg.all = ch;
    unlock(&reg.lock);
    return ch;
}

void cmem__cache_delete(struct cmem__cache *ch) {
    lock(&drain); /* to the end: a drain that has found ch may not go into its next owner's cache */
    cmem__cache_flush(ch);
    lock(&reg.lock);
    cmem__budget_leave(&ch->share);
    if (ch->prev != NULL)
        ch->prev->next = ch->next;
    else
        reg.all = ch->next;
    if (ch->next != NULL) ch->next->prev = ch->prev;
    for (unsigned c = 0; c < NUM_CLASSES; c++) {
        reg.past_allocs[c] += ch->mag[c].allocs;
        ch->mag[c].allocs = 0;
    }
    ch->next = reg.spare; /* with its magazines, for the next thread */
    reg.spare = ch;
    unlock(&reg.lock);
    unlock(&drain);
}

bool cmem__magazine_init(struct cmem__cache *ch, unsigned c) {
    struct cmem__magazine *m = &ch->mag[c];
    if (m->base != NULL) return true;
    unsigned n = class_magazine(c);
    struct cmem__entry *e = cmem__meta_alloc(n * sizeof *e);
    if (e == NULL) return false;
    poke(m->end, e + n);
    poke(m->top, e);
    poke(m->base, e);
    poke(ch->made[c / 64], ch->made[c / 64] | (uint64_t)1 << (c % 64));
    return true;
}

void cmem__cache_flush(struct cmem__cache *ch) {
    for (unsigned c = cache_next(ch, 0); c < NUM_CLASSES; c = cache_next(ch, c + 1)) {
        struct cmem__magazine *m = &ch->mag[c];
        if (m->top == m->base) continue;
        size_t n = magazine_count(m);
        poke(m->top, m->base);
        ch->share.room += (int64_t)(n * class_size(c));
        cmem__central_give(c, m->base, n);
    }
    cmem__budget_end_boost(&ch->share);
    share_adopt(&ch->share);
}

void cmem__cache_give_oldest(struct cmem__cache *ch, unsigned c, size_t k) {
    struct cmem__magazine *m = &ch->mag[c];
    cmem__central_give(c, m->base, k);
    memmove(m->base, m->base + k, (magazine_count(m) - k) * sizeof *m->base);
    poke(m->top, m->top - k);
    ch->share.room += (int64_t)(k * class_size(c));
}

void cmem__cache_wait(struct cmem__cache *ch) {
    while (atomic_load_explicit(&ch->taken, memory_order_acquire)) {
        cache_leave(ch);
        lock(&drain); /* until whoever drains is through */
        unlock(&drain);
        cache_mark(ch);
    }
}

/* A number that changes whenever the cache is used. */
static uint64_t activity(const struct cmem__cache *ch) {
    uint64_t sum = 0;
    for (unsigned c = cache_next(ch, 0); c < NUM_CLASSES; c = cache_next(ch, c + 1))
        sum += (peek(ch->mag[c].allocs) << 20) + (uintptr_t)peek(ch->mag[c].top);
    return sum;
}

/* Marks the threads' caches that have not been used for idle_ns as taken, in a chain. */
static struct cmem__cache *take_idle(uint64_t idle_ns) {
    struct cmem__cache *chain = NULL;
    uint64_t now = cmem__now();
    lock(&reg.lock);
    for (struct cmem__cache *ch = reg.all; ch != NULL; ch = ch->next) {
        if (ch->share.kind != CACHE_THREAD) continue;
        uint64_t a = activity(ch);
        if (a != ch->activity) {
            ch->activity = a;
            ch->active_since = now;
        }
        if (now - ch->active_since < idle_ns) continue;
        atomic_store_explicit(&ch->taken, 1, memory_order_relaxed);
        ch->drained = chain;
        chain = ch;
    }
    unlock(&reg.lock);
    return chain;
}

void cmem__cache_drain(uint64_t idle_ns) {
    lock(&drain);
    struct cmem__cache *chain = take_idle(idle_ns);
    bool visible = chain != NULL && cmem__os_barrier();
    while (chain != NULL) {
        struct cmem__cache *ch = chain;
        chain = ch->drained;
        if (visible && !atomic_load_explicit(&ch->busy, memory_order_acquire)) cmem__cache_flush(ch);
        atomic_store_explicit(&ch->taken, 0, memory_order_release);
    }
    unlock(&drain);
}

bool cmem__cache_has_threads(void) {
    bool found = false;
    lock(&reg.lock);
    for (const struct cmem__cache *ch = reg.all; ch != NULL && !found; ch = ch->next)
        found = ch->share.kind == CACHE_THREAD;
    unlock(&reg.lock);
    return found;
}

void cmem__cache_drain_lock(void) { lock(&drain); }
void cmem__cache_drain_unlock(void) { unlock(&drain); }

void cmem__cache_count_alloc(unsigned c, uint64_t n) {
    atomic_fetch_add_explicit(&uncached_allocs[c], n, memory_order_relaxed);
}

static size_t peek_count(const struct cmem__magazine *m) {
    struct cmem__entry *base = peek(m->base), *top = peek(m->top);
    return base != NULL && top > base ? (size_t)(top - base) : 0; /* its owner may be making it */
}

void cmem__cache_mark(bool anew) {
    lock(&reg.lock);
    for (struct cmem__cache *ch = reg.all; ch != NULL; ch = ch->next) {
        if (ch->share.kind != CACHE_P) continue;
        for (unsigned c = cache_next(ch, 0); c < NUM_CLASSES; c = cache_next(ch, c + 1)) {
            size_t n = peek_count(&ch->mag[c]);
            if (anew || n < ch->low[c]) ch->low[c] = (uint8_t)n;
        }
    }
    unlock(&reg.lock);
}

size_t cmem__cache_unused(const struct cmem__cache *ch) {
    size_t bytes = 0;
    for (unsigned c = 0; c < NUM_CLASSES; c++) bytes += ch->low[c] * class_size(c);
    return bytes;
}

void cmem__cache_trim(struct cmem__cache *ch) {
    for (unsigned c = 0; c < NUM_CLASSES; c++) {
        size_t have = magazine_count(&ch->mag[c]), n = ch->low[c] < have ? ch->low[c] : have;
        if (n > 0) cmem__cache_give_oldest(ch, c, n);
    }
}

uint64_t cmem__cache_activity(void) {
    uint64_t sum = 0;
    lock(&reg.lock);
    for (const struct cmem__cache *ch = reg.all; ch != NULL; ch = ch->next)
        if (ch->share.kind == CACHE_P) sum += activity(ch);
    unlock(&reg.lock);
    return sum;
}

size_t cmem__cache_bytes(void) {
    size_t bytes = 0;
    lock(&reg.lock);
    for (const struct cmem__cache *ch = reg.all; ch != NULL; ch = ch->next) {
        for (unsigned c = cache_next(ch, 0); c < NUM_CLASSES; c = cache_next(ch, c + 1))
            bytes += peek_count(&ch->mag[c]) * class_size(c);
    }
    unlock(&reg.lock);
    return bytes;
}

void cmem__cache_judge(struct cmem__share *sh, const struct cmem__trips *t) {
    if (!cmem__budget_thrashing(sh, t)) return;
    size_t cached = cmem__cache_bytes() + cmem__transfer_bytes(), inuse = cmem__pages_inuse();
    cmem__budget_boost(sh, inuse > cached ? inuse - cached : 0);
}

size_t cmem__cache_blocks(unsigned c) {
    size_t n = 0;
    lock(&reg.lock);
    for (const struct cmem__cache *ch = reg.all; ch != NULL; ch = ch->next) n += peek_count(&ch->mag[c]);
    unlock(&reg.lock);
    return n;
}

void cmem__cache_stats(struct cmem_stats *out) {
    size_t cached[NUM_CLASSES] = {0};
    uint64_t allocs[NUM_CLASSES];
    lock(&reg.lock);
    memcpy(allocs, reg.past_allocs, sizeof allocs);
    for (const struct cmem__cache *ch = reg.all; ch != NULL; ch = ch->next) {
        uint64_t bytes = 0;
        for (unsigned c = cache_next(ch, 0); c < NUM_CLASSES; c = cache_next(ch, c + 1)) {
            size_t n = peek_count(&ch->mag[c]);
            cached[c] += n;
            allocs[c] += peek(ch->mag[c].allocs);
            bytes += n * class_size(c);
        }
        *(ch->share.kind == CACHE_P ? &out->magazine_bytes : &out->thread_cache_bytes) += bytes;
    }
    unlock(&reg.lock);
    for (unsigned c = 0; c < NUM_CLASSES; c++) {
        size_t size = class_size(c), handed_out = cmem__central_out(c);
        size_t live = handed_out > cached[c] ? handed_out - cached[c] : 0;
        allocs[c] += atomic_load_explicit(&uncached_allocs[c], memory_order_relaxed);
        out->by_size[c].mallocs = allocs[c];
        out->by_size[c].frees = allocs[c] > live ? allocs[c] - live : 0;
        out->live_blocks += live;
        out->live_bytes += live * size;
        out->mallocs += allocs[c];
        out->total_alloc += allocs[c] * size;
    }
}

void cmem__cache_lock(void) { lock(&reg.lock); }
void cmem__cache_unlock(void) { unlock(&reg.lock); }

#if CMEM_DEBUG
/* At rest: every cached block is marked so, lies in a span of its class, and the room adds up. */
void cmem__cache_check(void) {
    lock(&reg.lock);
    for (const struct cmem__cache *ch = reg.all; ch != NULL; ch = ch->next) {
        int64_t held = 0;
        for (unsigned c = 0; c < NUM_CLASSES; c++) {
            const struct cmem__magazine *m = &ch->mag[c];
            insist(m->base <= m->top && m->top <= m->end, "magazine's top is outside it", c);
            for (const struct cmem__entry *e = m->base; e < m->top; e++) {
                insist(tag_get(e->tag) == TAG_CACHED, "cached block is not marked as cached", e->block);
                struct cmem__span *s = pagemap_span(e->block);
                insist(s != NULL && s->cls == c, "cached block is in the wrong magazine", e->block);
            }
            held += (int64_t)(magazine_count(m) * class_size(c));
        }
        insist(ch->share.room == ch->share.capacity - held, "cache's count of bytes is wrong",
               ch->share.room);
    }
    unlock(&reg.lock);
    for (unsigned c = 0; c < NUM_CLASSES; c++) {
        insist(cmem__cache_blocks(c) <= cmem__central_out(c), "more blocks cached than handed out", c);
    }
}
#endif

#ifdef __x86_64__
/* For Go's fast path, which alone writes and reads it: the P that this thread ran on last, its
 * cache, and where that stands. */
static __thread uintptr_t last_cache[3] NEAR_TLS;

intptr_t cmem__last_cache_offset(void) {
    uintptr_t thread;
    __asm__("movq %%fs:0, %0" : "=r"(thread)); /* a thread's control block begins with its own address */
    return (intptr_t)((uintptr_t)last_cache - thread);
}
#endif
