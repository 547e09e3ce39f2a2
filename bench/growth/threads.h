/* threads.h: C threads that allocate through the C API, and costs in C. */
#ifndef GROWTH_THREADS_H
#define GROWTH_THREADS_H

#include <stddef.h>

/* Starts n threads, one after another, that allocate, free and end. Returns 0, or the errno of the first that could not
 * be. */
int growth_churn(size_t n);

/* Starts threads that allocate, free and wait, until there are n of them in all, and returns when
 * the last one waits. Returns 0, or the errno of the first that could not be; those before it
 * wait. */
int growth_idle(size_t n);

/* Lets the waiting ones end. */
void growth_idle_end(void);

/* n times: allocates and frees a block, `live` blocks at a time, at most GROWTH_LIVE. */
#define GROWTH_LIVE 1000
void growth_blocks(size_t n, size_t live, size_t size);

#endif
