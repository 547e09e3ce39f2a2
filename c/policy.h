/* policy.h: what a cache does that has no block of a class, or no room for one. How much a cache
 * may hold is budget.h's.
 *
 * Pure functions of what their caller sees of the cache. What a miss gets is decided in miss.c, for
 * threads and Ps alike. What is decided in the cache itself runs too often for a cgo call, and so
 * stands in Go once more: policy_evict and policy_leave (heaviest and leaveHalf in
 * cmem/overflow_c.go) and policy_borrow (nextFilled in cmem/borrow_c.go, BORROW in fast_amd64.s).
 * cmem/testdata/policy.txt holds both languages to the same answers.
 *
 * Lock: none. Called by magazine.c and miss.c.
 */
#ifndef CMEM_POLICY_H
#define CMEM_POLICY_H

#include "base.h"
#include "cache.h"
#include "sizeclass.h"
#include "transfer.h"

#include <stdbool.h>

/* Whether a request for n bytes, of class c, gets an exact block: for requests of share.exact bytes
 * and more, of which the cache cannot hold many. An exact block saves the pages that the class has
 * to spare, but no cache can hold it later. So it is exact where there are such pages; but where
 * the cache missed class c lately and may miss it again, only where they are more than
 * EXACT_SPARE. */
static inline bool policy_exact(unsigned c, size_t n, uint32_t recent) {
    size_t spare = class_spare(c, n);
    bool again = (recent & 0xFF) == c || recent >> 8 == c;
    return spare > 0 && (!again || spare > EXACT_SPARE >> PAGE_SHIFT);
}

/* The last two classes missed, `recent`, after a miss of class c. */
static inline uint32_t policy_recent(uint32_t recent, unsigned c) { return (recent & 0xFF) << 8 | c; }

/* How many blocks of class c a miss fetches: one for the caller, and as many more as a refill has
 * and the cache has room for. A boosted cache fetches more: half a magazine of small blocks, or all
 * that waits in the transfer list, TRANSFER_RECEIVE at most. */
static inline size_t policy_refill(unsigned c, int64_t room, bool boosted, size_t waiting) {
    size_t n = class_refill(c), fits = room > 0 ? (size_t)room / class_size(c) + 1 : 1;
    if (boosted && class_size(c) < LARGE_MIN) n = class_magazine(c) / 2;
    if (waiting > TRANSFER_RECEIVE) waiting = TRANSFER_RECEIVE;
    if (boosted && waiting > n) n = waiting;
    return n < fits ? n : fits;
}

/* How many of its n blocks leave a magazine that is full or that policy_evict has chosen; the
 * oldest leave. A free halves one magazine after another so until there is room, or until
 * LEAVE_MOST blocks have left. Then the next free goes on. */
static inline size_t policy_leave(size_t n) { return (n + 1) / 2; }
#define LEAVE_MOST ((size_t)MAX_MAGAZINE)

/* Of which class blocks leave a full cache: the class that has most bytes there, one block of each
 * class not counted. So an owner that uses some classes in turn keeps a block of each, if there is
 * room. NUM_CLASSES: the cache is empty. */
static inline unsigned policy_evict(const struct cmem__cache *ch) {
    size_t most = 0;
    unsigned from = NUM_CLASSES;
    /* The loop of cache_next, written out: with calls of it a thread whose cache is always full takes
     * 31 % more instructions (callgrind, hold of 64 B to 32 KiB). */
    for (unsigned w = 0; w < sizeof ch->made / sizeof *ch->made; w++) {
        for (uint64_t bits = ch->made[w]; bits != 0; bits &= bits - 1) {
            unsigned c = w * 64 + (unsigned)__builtin_ctzll(bits);
            size_t n = magazine_count(&ch->mag[c]);
            if (n == 0 || (n - 1) * class_size(c) < most) continue;
            most = (n - 1) * class_size(c);
            from = c;
        }
    }
    return from;
}

/* From which class a boosted cache serves a request of class c when it has no block of c: the next
 * larger class that it has a block of, up to twice the size, as a pool of powers of two does
 * always. From 128 bytes on that is BORROW_CLASSES classes. c itself where there is none. */
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
