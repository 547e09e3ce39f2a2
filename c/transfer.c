//go:build linux && (amd64 || arm64 || riscv64)

/* transfer.c: transfer lists. Blocks of the larger classes that leave a cache wait here for the
 * next miss of any cache. Without the lists each would go through the central list to the page
 * heap, and the next one would be carved anew.
 *
 * The lists take more as long as spans in use, blocks in the lists included, are no more than what
 * is kept resident anyway (keep in pacer.h). So of a queue of buffers every block is in a caller's
 * hands or here. That costs no memory, as the lists are emptied before a page is faulted in
 * (central.h). In a C program, where no P has a cache, nothing lies here.
 *
 * Go moves blocks between its caches and the lists by itself (cmem/transfer_c.go). It is pinned
 * then and cannot wait, so it goes to the central list where a list stays taken. Go writes nothing
 * that all lists share: C alone says how many blocks may lie in each.
 */
#include "base.h"
#include "lock.h"
#include "os.h"
#include "pageheap.h"
#include "pagemap.h"
#include "panic.h"
#include "sizeclass.h"
#include "span.h"
#include "transfer.h"

#include <string.h>

/* C takes this before any list. */
static struct cmem__lock transfer_lock = LOCK_INIT(RANK_TRANSFER);

struct cmem__transfer cmem__transfer[NUM_CLASSES - TRANSFER_FIRST];

_Atomic size_t cmem__transfer_limit;

/* The bytes that may lie in all lists, by each one's `most`; written under the transfer lock. */
static _Atomic int64_t granted;

static int64_t granted_bytes(void) { return atomic_load_explicit(&granted, memory_order_relaxed); }

/* Lets n more blocks lie in t, the list of class c; fewer where n is negative. In t. */
static void grant(struct cmem__transfer *t, unsigned c, int64_t n) {
    poke(t->most, (uint32_t)(t->most + n));
    atomic_store_explicit(&granted, granted_bytes() + n * (int64_t)class_size(c), memory_order_relaxed);
}

/* The bytes in all lists are the sum of what each side has moved into them, less what it has moved
 * out: C counts in `moved`, under its lock, and each P in its cache's `sent`. */
static int64_t moved;
static const int64_t *sender[TRANSFER_SENDERS];
static _Atomic unsigned senders;

static void count(int64_t bytes) { poke(moved, moved + bytes); }

static bool is_free(struct cmem__transfer *t) {
    return atomic_load_explicit(&t->taken, memory_order_relaxed) == 0;
}

static bool try_enter(struct cmem__transfer *t) {
    uint32_t expected = 0;
    return atomic_compare_exchange_strong_explicit(&t->taken, &expected, 1, memory_order_acquire,
                                                   memory_order_relaxed);
}

/* Waits until nobody is in t, and enters it. Others are in a list for a few copies only. Whoever is
 * still there after a thousand looks has lost its CPU, maybe to this very thread. So this thread
 * naps then: a yield might not give the CPU to the other one, and Go wakes nobody. A thread that
 * forks is in all lists already. */
static void enter(struct cmem__transfer *t) {
    enum { LOOKS = 1000, NAP_NS = 1000 };
    if (forking()) return;
    for (unsigned i = 0; !is_free(t) || !try_enter(t); i++) {
        if (i >= LOOKS) cmem__os_wait(&t->taken, 1, NAP_NS);
    }
}

static void leave(struct cmem__transfer *t) {
    if (!forking()) atomic_store_explicit(&t->taken, 0, memory_order_release);
}

static struct cmem__transfer *list_lock(unsigned c) {
    struct cmem__transfer *t = &cmem__transfer[c - TRANSFER_FIRST];
    lock(&transfer_lock);
    enter(t);
    return t;
}

static void list_unlock(struct cmem__transfer *t) {
    leave(t);
    unlock(&transfer_lock);
}

bool cmem__transfer_any(void) { return granted_bytes() > 0; }

size_t cmem__transfer_blocks(unsigned c) {
    return c < TRANSFER_FIRST ? 0 : peek(cmem__transfer[c - TRANSFER_FIRST].n);
}

void cmem__transfer_counts(const int64_t *sent) {
    lock(&transfer_lock);
    unsigned n = atomic_load_explicit(&senders, memory_order_relaxed), i = 0;
    while (i < n && sender[i] != sent) i++;
    if (i == n && n < TRANSFER_SENDERS) {
        sender[n] = sent;
        atomic_store_explicit(&senders, n + 1, memory_order_release);
    }
    unlock(&transfer_lock);
}

size_t cmem__transfer_bytes(void) {
    int64_t bytes = peek(moved);
    unsigned n = atomic_load_explicit(&senders, memory_order_acquire);
    for (unsigned i = 0; i < n; i++) bytes += peek(*sender[i]);
    return bytes > 0 ? (size_t)bytes : 0; /* blocks may have been sent and not counted yet */
}

size_t cmem__transfer_put(unsigned c, const struct cmem__entry *in, size_t n) {
    size_t limit = atomic_load_explicit(&cmem__transfer_limit, memory_order_relaxed);
    if (likely(limit == 0) || c < TRANSFER_FIRST || cmem__pages_inuse() > limit) return 0;
    struct cmem__transfer *t = list_lock(c);
    if (n > TRANSFER_BLOCKS - t->n) n = TRANSFER_BLOCKS - t->n;
    if (n > t->most - t->n) grant(t, c, (int64_t)n - (t->most - t->n));
    memcpy(&t->e[t->n], in, n * sizeof *in);
    poke(t->n, (uint32_t)(t->n + n));
    count((int64_t)(n * class_size(c)));
    list_unlock(t);
    return n;
}

size_t cmem__transfer_take(unsigned c, struct cmem__entry *out, size_t n) {
    if (likely(granted_bytes() == 0) || cmem__transfer_blocks(c) == 0) return 0;
    struct cmem__transfer *t = list_lock(c);
    if (n > t->n) n = t->n;
    poke(t->n, (uint32_t)(t->n - n));
    if (t->low > t->n) t->low = t->n;
    memcpy(out, &t->e[t->n], n * sizeof *out); /* the newest */
    count(-(int64_t)(n * class_size(c)));
    list_unlock(t);
    return n;
}

bool cmem__transfer_trim(unsigned c, bool all, struct cmem__entry out[TRANSFER_TRIM], size_t *n) {
    *n = 0;
    if (peek(cmem__transfer[c - TRANSFER_FIRST].most) == 0) return false;
    struct cmem__transfer *t = list_lock(c);
    unsigned due = all ? t->n : t->low, k = due < TRANSFER_TRIM ? due : TRANSFER_TRIM, left = t->n - k;
    bool more = k < due;
    memcpy(out, t->e, k * sizeof *out);
    memmove(t->e, t->e + k, left * sizeof *out);
    poke(t->n, left);
    t->low = more ? due - k : left;
    grant(t, c, (int64_t)left - t->most);
    count(-(int64_t)(k * class_size(c)));
    list_unlock(t);
    *n = k;
    return more;
}

void cmem__transfer_lock(void) {
    lock(&transfer_lock);
    for (unsigned i = 0; i < NUM_CLASSES - TRANSFER_FIRST; i++) enter(&cmem__transfer[i]);
}

void cmem__transfer_unlock(void) {
    for (unsigned i = 0; i < NUM_CLASSES - TRANSFER_FIRST; i++) leave(&cmem__transfer[i]);
    unlock(&transfer_lock);
}

#if CMEM_DEBUG
void cmem__transfer_check(void) {
    size_t bytes = 0, there = 0;
    cmem__transfer_lock();
    for (unsigned c = TRANSFER_FIRST; c < NUM_CLASSES; c++) {
        const struct cmem__transfer *t = &cmem__transfer[c - TRANSFER_FIRST];
        insist(t->low <= t->n && t->n <= t->most && t->most <= TRANSFER_BLOCKS, "transfer's counts are wrong",
               c);
        for (unsigned i = 0; i < t->n; i++) {
            struct cmem__span *s = pagemap_span(t->e[i].block);
            insist(s != NULL && s->cls == c && tag_get(t->e[i].tag) == TAG_CACHED,
                   "a block in the wrong transfer list", t->e[i].block);
        }
        bytes += t->most * class_size(c);
        there += t->n * class_size(c);
    }
    insist(there == cmem__transfer_bytes(), "transfer's count of what lies there is wrong", there);
    insist((int64_t)bytes == granted_bytes(), "transfer's count of bytes is wrong", bytes);
    cmem__transfer_unlock();
}
#endif
