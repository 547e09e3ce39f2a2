/* scavenger.h: gives back what is idle: by age, by what was in use of late, and from a thread for programs without Go.
 *
 * Lock: none of its own, and none is held across its calls. Called by the public functions, by Go's timer and where memory is out.
 */
#ifndef CMEM_SCAVENGER_H
#define CMEM_SCAVENGER_H

#include "base.h"

/* Settles the heap, as eagerly as the process can afford. Returns the bytes given back. For the one scavenger that a process
 * has, every SETTLE_NS while the heap is used. */
#define SETTLE_NS 20000000
size_t cmem__settle(void);

/* A child of fork has no scavenger's thread. */
void cmem__scavenger_after_fork(void);

#endif /* CMEM_SCAVENGER_H */
