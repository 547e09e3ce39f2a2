/* start.h: what is done once, when the library starts, and at each fork.
 *
 * Lock: none may be held by its caller; a fork takes all. Called when the library is loaded; and,
 * as another constructor may run before that, before a thread gets its cache or the scavenger's
 * thread is started.
 */
#ifndef CMEM_START_H
#define CMEM_START_H

#include "base.h"

/* Registers what happens at a fork and at a thread's end, once. */
void cmem__init(void);

#endif /* CMEM_START_H */
