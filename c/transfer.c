//go:build linux && (amd64 || arm64 || riscv64)

/* transfer.c: free blocks of the larger classes between caches: what leaves one waits here for the
 * next miss. Otherwise each would go through the central list to the page heap, and a next one be
 * cut out of it. How many bytes may lie here, package cmem says (cmem/cachelimit_c.go); in a C
 * program none do.
 *
 * Go moves blocks between its caches and the lists by itself (cmem/transfer_c.go), pinned, and so
 * cannot wait: it goes to central where it finds a list taken. How much may lie in a list is for C
 * alone to say, so that Go writes nothing that all lists share.
 */
#include "base.h"
#include "lock.h"
#include "os.h"
#include "pagemap.h"
#include "panic.h"
#include "sizeclass.h"
#include "span.h"
#include "transfer.h"

#include <string.h>

/* For C, one for all. */
static struct cmem__lock transfer_lock = LOCK_INIT(RANK_TRANSFER);

struct cmem__transfer cmem__transfer[NUM_CLASSES - TRANSFER_FIRST];

_Atomic int64_t cmem__transfer_limit;

/* The bytes that may lie in all lists, as their `most` say; transfer lock. */
static _Atomic int64_t granted;

static int64_t granted_bytes(void) { return atomic_load_explicit(&granted, memory_order_relaxed); }

/* Lets n blocks more lie in t, the list of class c, or fewer. Inside t. */
static void grant(struct cmem__transfer *t, unsigned c, int64_t n) {
    poke(t->most, (uint32_t)(t->most + n));
    atomic_store_explicit(&granted, granted_bytes() + n * (int64_t)class_size(c), memory_order_relaxed);
}

static bool is_free(struct cmem__transfer *t) {
    return atomic_load_explicit(&t->taken, memory_order_relaxed) == 0;
}

static bool try_enter(struct cmem__transfer *t) {
    uint32_t expected = 0;
    return atomic_compare_exchange_strong_explicit(&t->taken, &expected, 1, memory_order_acquire,
                                                   memory_order_relaxed);
}

/* Waits for whoever is in t. That is for a few copies: who is there after a thousand looks has lost its CPU, maybe to this very
 * thread, which sleeps then, as a yield may not reach it. Go wakes nobody. A thread that forks is in all lists already. */
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

size_t cmem__transfer_blocks(unsigned c) {
    return c < TRANSFER_FIRST ? 0 : peek(cmem__transfer[c - TRANSFER_FIRST].n);
}

size_t cmem__transfer_bytes(void) {
    size_t bytes = 0;
    if (granted_bytes() == 0) return 0;
    for (unsigned c = TRANSFER_FIRST; c < NUM_CLASSES; c++) bytes += cmem__transfer_blocks(c) * class_size(c);
    return bytes;
}

size_t cmem__transfer_put(unsigned c, const struct cmem__entry *in, size_t n) {
    int64_t limit = atomic_load_explicit(&cmem__transfer_limit, memory_order_relaxed);
    if (likely(limit == 0) || c < TRANSFER_FIRST) return 0;
    struct cmem__transfer *t = list_lock(c);
    if (n > TRANSFER_BLOCKS - t->n) n = TRANSFER_BLOCKS - t->n;
    int64_t more = (int64_t)(t->n + n) - t->most, room = (limit - granted_bytes()) / (int64_t)class_size(c);
    if (more > room) more = room;
    if (more > 0) grant(t, c, more);
    if (n > t->most - t->n) n = t->most - t->n;
    memcpy(&t->e[t->n], in, n * sizeof *in);
    poke(t->n, (uint32_t)(t->n + n));
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
    list_unlock(t);
    return n;
}

size_t cmem__transfer_trim(unsigned c, bool all, struct cmem__entry *out) {
    int64_t limit = atomic_load_explicit(&cmem__transfer_limit, memory_order_relaxed);
    if (granted_bytes() == 0) return 0;
    all = all || granted_bytes() > limit;
    struct cmem__transfer *t = list_lock(c);
    unsigned n = all ? t->n : t->low, left = t->n - n;
    memcpy(out, t->e, n * sizeof *out);
    memmove(t->e, t->e + n, left * sizeof *out);
    poke(t->n, left);
    t->low = left;
    grant(t, c, (int64_t)left - t->most);
    list_unlock(t);
    return n;
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
    size_t bytes = 0;
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
    }
    insist((int64_t)bytes == granted_bytes(), "transfer's count of bytes is wrong", bytes);
    cmem__transfer_unlock();
}
#endif
