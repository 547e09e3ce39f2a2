/* policy.h: what a cache does where it has no block of a class, or no room for one.
 *
 * Pure functions of what their caller sees of the cache. C threads (magazine.c) and Go's Ps by way
 * of C (miss.c) call the same ones. Two of them are too hot for a cgo call, and stand in Go once
 * more: policy_evict (heaviest in cmem/overflow_c.go) and policy_borrow (nextFilled in
 * cmem/borrow_c.go, BORROW in fast_amd64.s). cmem/testdata/policy.txt holds both sides to the same
 * answers. How much a cache may hold is budget.h's.
 */
#ifndef CMEM_POLICY_H
#define CMEM_POLICY_H

#include "base.h"
#include "cache.h"
#include "sizeclass.h"
#include "transfer.h"

#include <stdbool.h>

/* Whether n bytes, of class c, get a span of just their pages, which no cache takes back, and not a
 * block of the class: for requests that are too large for the cache to hold many (share.exact). So
 * it is where the class has pages to spare; but one that the cache missed lately it may miss again,
 * so then only where more than EXACT_SPARE would be spare. */
static inline bool policy_exact(unsigned c, size_t n, uint32_t recent) {
    size_t spare = class_spare(c, n);
    bool again = (recent & 0xFF) == c || recent >> 8 == c;
    return spare > 0 && (!again || spare > EXACT_SPARE >> PAGE_SHIFT);
}

/* The last two classes missed, after another miss. */
static inline uint32_t policy_recent(uint32_t recent, unsigned c) { return (recent & 0xFF) << 8 | c; }

/* How many blocks of class c a miss fetches: one for the caller, the others as there is room. A
 * boosted cache takes more: half a magazine of small blocks, and what waits in the transfer list. */
static inline size_t policy_refill(unsigned c, int64_t room, bool boosted, size_t waiting) {
    size_t n = class_refill(c), fits = room > 0 ? (size_t)room / class_size(c) + 1 : 1;
    if (boosted && class_size(c) < LARGE_MIN) n = class_magazine(c) / 2;
    if (waiting > TRANSFER_RECEIVE) waiting = TRANSFER_RECEIVE;
    if (boosted && waiting > n) n = waiting;
    return n < fits ? n : fits;
}

/* How many of n blocks, the oldest, leave a magazine that is full or that policy_evict has chosen.
 * To make room, so magazine after magazine is halved until there is some, or LEAVE_MOST blocks
 * have left: the next free goes on. */
static inline size_t policy_leave(size_t n) { return (n + 1) / 2; }
#define LEAVE_MOST ((size_t)MAX_MAGAZINE)

static inline size_t magazine_count(const struct cmem__magazine *m) { return (size_t)(m->top - m->base); }

/* Of which class blocks leave a full cache: that of which most bytes lie there beyond one block. So
 * what its owner uses in turn stays, a block of each class at least if there is room for that.
 * NUM_CLASSES: the cache is empty. */
static inline unsigned policy_evict(const struct cmem__cache *ch) {
    int64_t most = 0;
    unsigned from = NUM_CLASSES;
    for (unsigned c = 0; c < NUM_CLASSES; c++) {
        int64_t beyond = ((int64_t)magazine_count(&ch->mag[c]) - 1) * (int64_t)class_size(c);
        if (beyond < most) continue;
        most = beyond;
        from = c;
    }
    return from;
}

/* Of which class a boosted cache serves a request of class c that it has no block of, as a pool of
 * powers of two does always: the next larger one that it has, up to a doubling of the size, which
 * is BORROW_CLASSES from 128 bytes on. c itself where there is none. */
#define BORROW_CLASSES 8
static inline unsigned policy_borrow(const struct cmem__cache *ch, unsigned c) {
    unsigned last = c + BORROW_CLASSES;
    if (last > 2 * c + 1) last = 2 * c + 1; /* below, where steps are of 16 bytes */
    if (last > NUM_CLASSES - 1) last = NUM_CLASSES - 1;
    for (unsigned from = c + 1; from <= last; from++)
        if (ch->mag[from].top != ch->mag[from].base) return from;
    return c;
}

#endif /* CMEM_POLICY_H */
