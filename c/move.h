/* move.h: moves resident pages to places where an allocation would have released ones.
 *
 * Lock: the page heap's, held by the caller; cmem__move_pieces drops it around the system calls.
 * Called by pageheap.c.
 */
#ifndef CMEM_MOVE_H
#define CMEM_MOVE_H

#include "base.h"
#include "placement.h"
#include "span.h"

#include <stdbool.h>

/* Moves are for spans of 1 MiB or more: for shorter ones, of which a service may allocate a hundred
 * thousand a second, they save little and show in the slowest allocations. */
#define MOVE_FROM ((size_t)256)

/* The pieces moved for one allocation at most. */
#define MOVES_MAX 8

/* Released pages to be filled, and what with. */
struct cmem__piece {
    uintptr_t to;
    size_t npages;
    struct cmem__span *from; /* busy */
};

/* Sets out to the released stretches of the placement that are worth a move, MOVES_MAX at most.
 * Returns how many. */
size_t cmem__move_gaps(const struct cmem__placement *p, size_t npages, struct cmem__piece *out);

/* Carves resident pages to fill the gaps with. Returns the number of pieces in out, MOVES_MAX at
 * most. Needs two spare descriptors a piece. */
size_t cmem__move_carve(struct cmem__piece *gap, size_t gaps, struct cmem__piece *out);

/* Moves the pieces into s, an allocated span, and puts the places they come from back. Drops the
 * lock meanwhile. Returns false where s has a hole now: it must never be touched. */
bool cmem__move_pieces(struct cmem__span *s, struct cmem__piece *p, size_t n);

#endif /* CMEM_MOVE_H */
