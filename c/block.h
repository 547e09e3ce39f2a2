/* block.h: the block at an address.
 *
 * Lock: none. Called for every address that a caller passes, by C and by Go.
 */
#ifndef CMEM_BLOCK_H
#define CMEM_BLOCK_H

#include "base.h"

#include <stdbool.h>

/* Marks the live block at p as hanging on a Go owner (TAG_ATTACHED), so that every free of it goes the slow way.
 * Returns false where no live block starts there or it is attached or owned already. */
bool cmem__attach(uintptr_t p);
bool cmem__is_attached(uintptr_t p);

/* The bytes of the live block that starts at p, 0 where none does. */
size_t cmem__usable(uintptr_t p);

#endif /* CMEM_BLOCK_H */
