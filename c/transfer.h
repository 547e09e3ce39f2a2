/* transfer.h: transfer lists: free blocks of the larger classes on their way from one cache to
 * another, without the central list between.
 *
 * Lock: `taken`, a word in each list that is 1 while somebody is in the list. Go sets it by itself,
 * and never waits for it. C takes a lock for all lists first (RANK_TRANSFER), and then waits for
 * it. Called by central.c, and for its limit and its counts by budget.c, cache.c, the scavenger and
 * Go.
 */
#ifndef CMEM_TRANSFER_H
#define CMEM_TRANSFER_H

#include "base.h"
#include "sizeclass.h"
#include "span.h"

#include <stdatomic.h>
#include <stdbool.h>

/* The transfer list of a class. The classes from 2 KiB on have one. Go knows this layout. */
#define TRANSFER_FIRST 39
#define TRANSFER_BLOCKS 1024
#define TRANSFER_RECEIVE 16   /* the most blocks a miss takes; a magazine has room for as many */
#define TRANSFER_SENDERS 1024 /* the most Ps that had a cache at the same time */
struct cmem__transfer {
    _Atomic uint32_t taken;
    uint32_t n;                            /* blocks here; may be read without `taken` */
    uint32_t low;                          /* the fewest blocks since the last trim */
    uint32_t most;                         /* the most blocks that may lie here: C alone sets it */
    struct cmem__entry e[TRANSFER_BLOCKS]; /* the newest last */
} __attribute__((aligned(128)));           /* two cache lines, as processors fetch them */

assert_size(struct cmem__transfer, 16512);
assert_offset(struct cmem__transfer, taken, 0);
assert_offset(struct cmem__transfer, n, 4);
assert_offset(struct cmem__transfer, low, 8);
assert_offset(struct cmem__transfer, most, 12);
assert_offset(struct cmem__transfer, e, 16);

extern struct cmem__transfer cmem__transfer[NUM_CLASSES - TRANSFER_FIRST];

/* C lets more blocks into the lists as long as spans in use, which include these blocks, have no
 * more bytes than this. 0: the lists take none. budget.c sets it. */
extern _Atomic size_t cmem__transfer_limit;

/* Puts up to n blocks of class c from `in` into their list; takes up to n out of it. Both return
 * how many. */
size_t cmem__transfer_put(unsigned c, const struct cmem__entry *in, size_t n);
size_t cmem__transfer_take(unsigned c, struct cmem__entry *out, size_t n);

/* Takes the oldest blocks of class c out of their list, TRANSFER_TRIM at most: of all, or of those
 * that nobody has needed since the last trim. Also lowers `most` to what is left. *n is how many
 * blocks; the caller gives them to the central list. True where there are more, for another
 * call. */
#define TRANSFER_TRIM 64
bool cmem__transfer_trim(unsigned c, bool all, struct cmem__entry out[TRANSFER_TRIM], size_t *n);

/* Adds *sent to the counts that make up cmem__transfer_bytes: the bytes that its owner, a P's
 * cache, has sent to the lists, less those that it has received. *sent counts for good; a second
 * call does nothing. */
void cmem__transfer_counts(const int64_t *sent);

/* Whether any list may hold blocks: whether one's `most` is above 0. */
bool cmem__transfer_any(void);

size_t cmem__transfer_blocks(unsigned c); /* in the list of class c; 0 where it has none */
size_t cmem__transfer_bytes(void);        /* in all lists */
void cmem__transfer_lock(void);
void cmem__transfer_unlock(void);

#if CMEM_DEBUG
void cmem__transfer_check(void);
#endif

#endif /* CMEM_TRANSFER_H */
