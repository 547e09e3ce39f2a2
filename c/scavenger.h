/* scavenger.h: gives idle memory back: all that has been idle for some time; or step by step, as
 * the pacer's law says. Go's timer makes the steps, and in programs without Go the thread that is
 * started here.
 *
 * Lock: none of its own; callers hold none. Called by the public functions, by Go's timer, where
 * memory is out, and in a child of fork.
 */
#ifndef CMEM_SCAVENGER_H
#define CMEM_SCAVENGER_H

#include "base.h"

#include <stdbool.h>

/* Gives back what has been idle for idle_ns, having emptied the caches of threads that were idle so
 * long. 0: gives back all that is free, having emptied all threads' caches and the transfer lists.
 * Returns the bytes. */
size_t cmem__scavenge(uint64_t idle_ns);

/* Before an allocation of npages fails for want of memory, or for the limit: gives everything back,
 * and returns true for one more try. A request larger than the whole heap cannot succeed by that,
 * so it fails without a cost to everybody else. */
bool cmem__reclaim(size_t npages) __attribute__((cold));

/* A step of the one scavenger that a process has: keeps to pacer.h's law for the idle limit
 * idle_ns, which is above 0 (UINT64_MAX: gives nothing back, unless memory is scarce). */
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

/* Called in a child of fork, which has neither the scavenger's thread nor Go's timer. */
void cmem__scavenger_after_fork(void);

#endif /* CMEM_SCAVENGER_H */
