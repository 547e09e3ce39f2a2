/* release.h: what keeps the page heap within its limit. The rest of release.c is in pageheap.h.
 *
 * Lock: the page heap's, held by the caller; obey_limit drops it meanwhile. Called by pageheap.c.
 */
#ifndef CMEM_RELEASE_H
#define CMEM_RELEASE_H

#include "base.h"
#include "heap.h"

#include <stdbool.h>

/* Whether npages more may be in use. */
static inline bool within_limit(size_t npages) {
    return cmem__heap.limit_pages == SIZE_MAX || cmem__heap.inuse_pages + npages <= cmem__heap.limit_pages;
}

/* Gives hot pages back until they are within the limit together with those in use. Drops the lock meanwhile. (Where the
 * kernel refuses, those stay that share their region with what is in use.) */
void cmem__obey_limit(void);
static inline void obey_limit(void) {
    if (unlikely(cmem__heap.limit_pages != SIZE_MAX)) cmem__obey_limit();
}

#endif /* CMEM_RELEASE_H */
