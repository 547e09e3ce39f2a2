/* scavenger.h: gives back what is idle: by age, by what was in use of late, and from a thread for
 * programs without Go.
 *
 * Lock: none of its own, and none is held across its calls. Called by the public functions, by Go's
 * timer and where memory is out.
 */
#ifndef CMEM_SCAVENGER_H
#define CMEM_SCAVENGER_H

#include "base.h"

#include <stdbool.h>

/* Gives back what has been idle for idle_ns, or all, the calling thread's cache too, where that is
 * 0. Returns the bytes. */
size_t cmem__scavenge(uint64_t idle_ns);

/* Before an allocation of npages fails for want of memory, or for the limit: gives everything back,
 * and returns true for one more try. A request larger than the whole heap cannot succeed by that,
 * so it fails without a cost to everybody else. */
bool cmem__reclaim(size_t npages) __attribute__((cold));

/* A step of the one scavenger that a process has: keeps to pacer.h's law for that idle limit, which
 * is above 0 (UINT64_MAX: gives nothing back, unless memory is scarce). */
struct cmem__stepped {
    uint64_t next;   /* in how many nanoseconds the next one is due */
    size_t released; /* bytes given back */
};
struct cmem__stepped cmem__scavenger_step(uint64_t idle_ns);

/* As cmem_scavenger_start and cmem_scavenger_stop. */
int cmem__scavenger_start(uint64_t idle_ns);
void cmem__scavenger_stop(void);

/* From now on cmem_scavenger_start is refused, and a thread that it has started is ended: package
 * cmem scavenges. */
void cmem__scavenger_is_go(void);

/* A child of fork has no scavenger's thread, nor Go's timer. */
void cmem__scavenger_after_fork(void);

#endif /* CMEM_SCAVENGER_H */
