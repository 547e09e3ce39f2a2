/* start.h: what is done once, when the library starts, and at each fork.
 *
 * Lock: none held by its callers; a fork takes them all. Called when the library is loaded, and by whoever may come earlier.
 */
#ifndef CMEM_START_H
#define CMEM_START_H

#include "base.h"

/* pthread_atfork and the TLS key, once. */
void cmem__init(void);

#endif /* CMEM_START_H */
