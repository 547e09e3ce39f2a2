/* start.h: what is done once, when the library starts, and at each fork.
 *
 * Lock: none may be held by its caller; a fork takes all. Called when the library is loaded, and by
 * whoever may come earlier.
 */
#ifndef CMEM_START_H
#define CMEM_START_H

#include "base.h"

/* Registers what happens at a fork and at a thread's end, once. */
void cmem__init(void);

#endif /* CMEM_START_H */
