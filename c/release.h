/* release.h: gives back what is idle or beyond the limit: pages to the operating system, regions to
 * malloc.
 *
 * Lock: the page heap's. Each function takes it, except cmem__obey_limit, whose caller holds it.
 * All drop it around every system call. Called by the scavenger and the public functions;
 * cmem__obey_limit by pageheap.c.
 */
#ifndef CMEM_RELEASE_H
#define CMEM_RELEASE_H

#include "base.h"

/* Releases pages, and gives back regions, that have been free for idle_ns; all that are free where
 * that is 0. Returns the bytes. */
size_t cmem__pages_scavenge(uint64_t idle_ns);

/* Sets the most bytes that spans in use and resident free ones may hold together, SIZE_MAX for no
 * limit. An allocation releases free ones to stay below it, and fails where that is not enough.
 * Returns the bytes in use. */
size_t cmem__pages_limit(size_t bytes);

/* Releases free pages until the limit is kept. Drops the lock meanwhile. (Where the kernel refuses,
 * only regions that are all free go.) */
void cmem__obey_limit(void);

/* Releases up to `most` bytes of free pages, longest idle first, but no short spans
 * (SCAVENGE_MIN_PAGES); and gives back regions that have been free for idle_ns. Returns the
 * bytes. */
size_t cmem__pages_release(size_t most, uint64_t idle_ns);

#endif /* CMEM_RELEASE_H */
