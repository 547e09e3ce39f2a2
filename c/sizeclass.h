/* sizeclass.h: the size classes: which one serves a request, and what its spans look like.
 *
 * Lock: none: arithmetic. Called by all that hands out blocks; cmem/sizeclass.go and
 * cmem/fast_amd64.s compute the same.
 *
 * 16 B steps up to 256 B, then 8 steps a doubling. With m = n - 1 and e = max(4, floor(log2 m) -
 * 3), the class of n is 8 (e - 4) + (m >> e) and its block size ((m >> e) + 1) << e: a handful of
 * instructions, no table. From 129 B on no block is more than 12.5 % larger than what was asked
 * for: at most 1/9 of it is unused. As every size is k << e with k <= 16, a span of k pages holds
 * exactly 2^(12-e) blocks: no tail is wasted.
 */
#ifndef CMEM_SIZECLASS_H
#define CMEM_SIZECLASS_H

#include "base.h"
#include "cmem.h"

#include <stdbool.h>

#define NUM_CLASSES CMEM_NUM_CLASSES
#define NUM_SMALL 71 /* classes 0..70: 16 B to 30 KiB */

static inline unsigned class_shift(size_t m) { return 60u - (unsigned)__builtin_clzl(m | 128); }

/* The size class of n, 1 <= n <= CMEM_MAX_CLASS_SIZE. */
static inline unsigned class_of(size_t n) {
    size_t m = n - 1;
    unsigned e = class_shift(m);
    return (e - 4) * 8 + (unsigned)(m >> e);
}

/* For class c: the exponent e and the count k of its block size k << e. */
static inline unsigned class_e(unsigned c) { return c < 16 ? 4 : 3 + c / 8; }
static inline unsigned class_k(unsigned c) { return c < 16 ? c + 1 : 9 + c % 8; }
static inline size_t class_size(unsigned c) { return (size_t)class_k(c) << class_e(c); }
static inline bool class_is_small(unsigned c) { return c < NUM_SMALL; }

/* Pages and blocks of a span of class c. */
static inline size_t class_pages(unsigned c) {
    return class_is_small(c) ? class_k(c) : class_size(c) >> PAGE_SHIFT;
}
static inline unsigned class_blocks(unsigned c) {
    return class_is_small(c) ? 1u << (PAGE_SHIFT - class_e(c)) : 1;
}

/* How many pages a span of class c has more than n bytes need. */
static inline size_t class_spare(unsigned c, size_t n) {
    return class_pages(c) - ((n + PAGE_SIZE - 1) >> PAGE_SHIFT);
}

/* Blocks below this size share a span; from it on a block is a span of its own, page-aligned. */
#define LARGE_MIN ((size_t)32 << 10)

/* From this size on a block may be exact (span.h) where its class has more pages than it needs. No
 * magazine can hold it then. So policy_exact says which blocks are exact and which are of the
 * class. */
#define EXACT_MIN ((size_t)256 << 10)

/* A request that would leave more than this unused in a block of the class gets an exact one,
 * however often the class is asked for. (Without this bound buffers of 5 to 10 MB wasted 4 % of
 * memory. An exact block costs 0.3 us in the page heap, which is nothing beside writing it.) */
#define EXACT_SPARE ((size_t)128 << 10)

/* How many blocks an empty magazine of class c is refilled with: half of what a span has, 64 at
 * most. So the tags of what a new span gives fill whole cache lines. */
#define MAX_REFILL 64
static inline unsigned class_refill(unsigned c) {
    unsigned n = class_is_small(c) ? class_blocks(c) / 2 : 1;
    return n < MAX_REFILL ? n : MAX_REFILL;
}

/* The most blocks of class c that one magazine holds: 256 KiB of them, but 16 to 64, and two
 * refills at least. */
#define MAX_MAGAZINE (2 * MAX_REFILL)
static inline unsigned class_magazine(unsigned c) {
    size_t n = ((size_t)256 << 10) / class_size(c);
    n = n > 64 ? 64 : n < 16 ? 16 : n;
    size_t two = (size_t)2 * class_refill(c);
    return (unsigned)(n > two ? n : two);
}

#endif /* CMEM_SIZECLASS_H */
