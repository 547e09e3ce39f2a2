/* ctest.h: the C code of package ctest. */
#ifndef CTEST_H
#define CTEST_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Allocates out[i] of n[i] bytes for each i < count on a new thread, and waits for its end. Returns
 * 0, or -1 where there is no thread or no memory. */
int ctest_alloc_on_thread(const size_t *n, void **out, size_t count);

/* On a new thread, for each i < count: allocates n[i] bytes, notes in usable[i] what the block
 * holds, and frees it. Returns 0, or -1 as above. */
int ctest_churn_on_thread(const size_t *n, size_t *usable, size_t count);

/* Frees p[0..count) on a new thread, and waits for its end. Returns 0, or -1 where there is no
 * thread. */
int ctest_free_on_thread(void **p, size_t count);

/* Boosts the capacity of a cache, as if it thrashed with so many bytes in use. */
void ctest_boost(uintptr_t cache, size_t inuse);

/* Empties the transfer lists. */
void ctest_empty_lists(void);

#endif /* CTEST_H */
