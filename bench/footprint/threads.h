/* threads.h: C threads that hold buffers, for the load vsz. */
#ifndef FOOTPRINT_THREADS_H
#define FOOTPRINT_THREADS_H

#include <stddef.h>
#include <stdint.h>

enum footprint_work { FOOTPRINT_IDLE, FOOTPRINT_MALLOC, FOOTPRINT_CMEM };

struct footprint_threads;

/* Starts n threads. Each holds up to `slots` buffers of sizes drawn from `sizes`, which are copied, and replaces one a
 * millisecond. NULL where a thread or memory is not to be had. */
struct footprint_threads *footprint_threads_start(size_t n, enum footprint_work work, size_t slots,
                                                  const int32_t *sizes, size_t nsizes, uint64_t seed);

/* The bytes that they hold. */
int64_t footprint_threads_live(const struct footprint_threads *ts);

/* Lets them free all and end. */
void footprint_threads_stop(struct footprint_threads *ts);

#endif
