/* release.h: what the page heap gives back to the operating system: what is idle, and what is
 * beyond its limit.
 *
 * Lock: the page heap's, taken by each of these, but obey_limit, whose caller holds it, and dropped
 * around every system call. Called by the scavenger and the public functions; obey_limit by
 * pageheap.c.
 */
#ifndef CMEM_RELEASE_H
#define CMEM_RELEASE_H

#include "base.h"

/* Gives back pages and regions that have been idle for idle_ns; all that are free where that is 0.
 * Returns the bytes. */
size_t cmem__pages_scavenge(uint64_t idle_ns);

/* Sets the most bytes that spans in use and hot ones may hold together, SIZE_MAX for no limit.
 * Spans beyond it are refused; hot free ones are given back for new ones. Returns the bytes in
 * use. */
size_t cmem__pages_limit(size_t bytes);

/* Gives hot pages back until they are within the limit together with those in use. Drops the lock
 * meanwhile. (Where the kernel refuses, those stay that share their region with what is in use.) */
void cmem__obey_limit(void);

/* Gives back `most` bytes of hot free pages, longest idle first, as far as they are not in runs too
 * short; and regions that have been free for idle_ns. Returns the bytes. */
size_t cmem__pages_settle(size_t most, uint64_t idle_ns);

#endif /* CMEM_RELEASE_H */
