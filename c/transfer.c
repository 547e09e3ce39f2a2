//go:build linux

/* transfer.c: free blocks of the larger classes between two caches. Where one thread allocates what another one frees, each of
 * them would go to the central list or page heap for every block or few. Only as many bytes lie here as caches have been given
 * beyond their ordinary limits (cmem/cachelimit_c.go): none, where nobody hurries.
 */
#include "internal.h"

#include <string.h>

enum { BLOCKS = 32 }; /* of a class, at most */

/* One for all: it is held for a few copies. */
static struct cmem__lock transfer_lock = LOCK_INIT(RANK_TRANSFER);

static struct transfer {
    unsigned n, low; /* blocks, and the fewest since the last trim */
    struct cmem__entry e[BLOCKS];
} transfer[NUM_CLASSES - TRANSFER_FIRST];

_Atomic int64_t cmem__transfer_limit;
static _Atomic int64_t held;

static void add_held(int64_t bytes) { atomic_fetch_add_explicit(&held, bytes, memory_order_relaxed); }

size_t cmem__transfer_bytes(void) { return (size_t)atomic_load_explicit(&held, memory_order_relaxed); }

size_t cmem__transfer_put(unsigned c, const struct cmem__entry *in, size_t n) {
    int64_t limit = atomic_load_explicit(&cmem__transfer_limit, memory_order_relaxed);
    if (likely(limit == 0) || c < TRANSFER_FIRST) return 0;
    int64_t size = (int64_t)class_size(c), room = (limit - (int64_t)cmem__transfer_bytes()) / size;
    if (room <= 0) return 0;
    struct transfer *t = &transfer[c - TRANSFER_FIRST];
    lock(&transfer_lock);
    size_t k = BLOCKS - t->n;
    if (k > n) k = n;
    if (k > (size_t)room) k = (size_t)room;
    memcpy(&t->e[t->n], in, k * sizeof *in);
    t->n += (unsigned)k;
    add_held((int64_t)k * size);
    unlock(&transfer_lock);
    return k;
}

size_t cmem__transfer_take(unsigned c, struct cmem__entry *out, size_t n) {
    if (likely(cmem__transfer_bytes() == 0) || c < TRANSFER_FIRST) return 0;
    struct transfer *t = &transfer[c - TRANSFER_FIRST];
    lock(&transfer_lock);
    if (n > t->n) n = t->n;
    t->n -= (unsigned)n;
    if (t->low > t->n) t->low = t->n;
    memcpy(out, &t->e[t->n], n * sizeof *out); /* the newest */
    add_held(-(int64_t)(n * class_size(c)));
    unlock(&transfer_lock);
    return n;
}

/* Gives the oldest blocks of class c back, all or as many as have lain here since the last trim. */
static void trim(unsigned c, bool all) {
    struct transfer *t = &transfer[c - TRANSFER_FIRST];
    struct cmem__entry e[BLOCKS];
    lock(&transfer_lock);
    unsigned n = all ? t->n : t->low;
    memcpy(e, t->e, n * sizeof *e);
    memmove(t->e, t->e + n, (t->n - n) * sizeof *e);
    t->n -= n;
    t->low = t->n;
    add_held(-(int64_t)(n * class_size(c)));
    unlock(&transfer_lock);
    if (n > 0) cmem__central_free(c, e, n);
}

void cmem__transfer_trim(bool all) {
    if (cmem__transfer_bytes() == 0) return;
    for (unsigned c = TRANSFER_FIRST; c < NUM_CLASSES; c++) trim(c, all);
}

void cmem__transfer_lock(void) { lock(&transfer_lock); }
void cmem__transfer_unlock(void) { unlock(&transfer_lock); }

#if CMEM_DEBUG
void cmem__transfer_check(void) {
    size_t bytes = 0;
    lock(&transfer_lock);
    for (unsigned c = TRANSFER_FIRST; c < NUM_CLASSES; c++) {
        const struct transfer *t = &transfer[c - TRANSFER_FIRST];
        insist(t->low <= t->n && t->n <= BLOCKS, "transfer's counts are wrong", c);
        for (unsigned i = 0; i < t->n; i++) {
            struct cmem__span *s = pagemap_span(t->e[i].block);
            insist(s != NULL && s->cls == c && tag_get(t->e[i].tag) == TAG_CACHED,
                   "a block in the wrong transfer list", t->e[i].block);
        }
        bytes += t->n * class_size(c);
    }
    insist(bytes == cmem__transfer_bytes(), "transfer's count of bytes is wrong", bytes);
    unlock(&transfer_lock);
}
#endif
