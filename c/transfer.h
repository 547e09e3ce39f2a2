/* transfer.h: free blocks of the larger classes on their way from one cache to another, without the
 * central list between.
 *
 * Lock: one for all lists for C (RANK_TRANSFER), and in each a word that C and Go set to be in it.
 * C calls by way of central.c; Go takes a list by itself and never waits.
 */
#ifndef CMEM_TRANSFER_H
#define CMEM_TRANSFER_H

#include "base.h"
#include "sizeclass.h"
#include "span.h"

#include <stdatomic.h>
#include <stdbool.h>

/* The transfer list of a class from 2 KiB on. Go knows this layout, and is in a list while `taken`
 * is 1, too; it never waits. */
#define TRANSFER_FIRST 39
#define TRANSFER_BLOCKS 1024
#define TRANSFER_RECEIVE 16   /* blocks that a miss takes; a magazine of these classes holds as many */
#define TRANSFER_SENDERS 1024 /* Ps that have ever had a cache at the same time */
struct cmem__transfer {
    _Atomic uint32_t taken;
    uint32_t n;                            /* blocks here; read without taking it */
    uint32_t low;                          /* the fewest since the last trim */
    uint32_t most;                         /* how many may lie here, as C says: TRANSFER_BLOCKS at most */
    struct cmem__entry e[TRANSFER_BLOCKS]; /* the newest last */
} __attribute__((aligned(128)));           /* two cache lines, as processors fetch them */

assert_size(struct cmem__transfer, 16512);
assert_offset(struct cmem__transfer, taken, 0);
assert_offset(struct cmem__transfer, n, 4);
assert_offset(struct cmem__transfer, low, 8);
assert_offset(struct cmem__transfer, most, 12);
assert_offset(struct cmem__transfer, e, 16);

extern struct cmem__transfer cmem__transfer[NUM_CLASSES - TRANSFER_FIRST];

/* The bytes up to which spans in use, what lies in the lists included, let the lists take more; 0:
 * they take none. budget.c sets it. */
extern _Atomic size_t cmem__transfer_limit;

/* Both return how many blocks they took, of those in `in`, or into out. */
size_t cmem__transfer_put(unsigned c, const struct cmem__entry *in, size_t n);
size_t cmem__transfer_take(unsigned c, struct cmem__entry *out, size_t n);

/* Takes the oldest blocks of class c out of their list, all or as many as nobody has needed since
 * the last trim, and the room that the list has beyond. *n is how many; the caller gives them back.
 * True where there are more, for another call. */
#define TRANSFER_TRIM 64
bool cmem__transfer_trim(unsigned c, bool all, struct cmem__entry out[TRANSFER_TRIM], size_t *n);

/* From now on *sent is part of what lies in the lists: bytes that its owner has sent there, less
 * those that it has received. It is there for good. Nothing changes where it counts already. */
void cmem__transfer_counts(const int64_t *sent);

/* Whether anything may lie in the lists. */
bool cmem__transfer_any(void);

size_t cmem__transfer_blocks(unsigned c);
size_t cmem__transfer_bytes(void);
void cmem__transfer_lock(void);
void cmem__transfer_unlock(void);

#if CMEM_DEBUG
void cmem__transfer_check(void);
#endif

#endif /* CMEM_TRANSFER_H */
