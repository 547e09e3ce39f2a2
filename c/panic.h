/* panic.h: what ends the process: a broken invariant, or a caller's mistake.
 *
 * Lock: none, and none is taken: it may be called with any lock held. Called by every part.
 */
#ifndef CMEM_PANIC_H
#define CMEM_PANIC_H

#include "base.h"

/* Prints the line that fmt makes of what follows it to standard error and aborts. */
_Noreturn void cmem__die(const char *fmt, ...) __attribute__((cold, format(printf, 1, 2)));

/* Says that the heap is corrupt. */
_Noreturn void cmem__panic(const char *what, uintptr_t p) __attribute__((cold));

/* An invariant whose failure means that the heap is corrupt, checked in every build where the check
 * is cheap. */
#define insist(cond, what, p)                                       \
    do {                                                            \
        if (unlikely(!(cond))) cmem__panic((what), (uintptr_t)(p)); \
    } while (0)

#endif /* CMEM_PANIC_H */
