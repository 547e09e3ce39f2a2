/* check.h: the debug build's walk over every structure.
 *
 * Lock: those of what it walks, in turn. Called by tests.
 */
#ifndef CMEM_CHECK_H
#define CMEM_CHECK_H

#include "base.h"

#include <stdbool.h>

#if CMEM_DEBUG
/* Walks every structure and aborts on a broken invariant. The caller makes sure that nobody else is
 * in the library for the checks that need it (quiescent). Returns the number of spans seen. */
size_t cmem__check(bool quiescent);
#endif

#endif /* CMEM_CHECK_H */
