/* contend.h: threads that malloc. */
#include <stddef.h>

/* Runs `threads` threads that each free and malloc `pairs` times, blocks of min to max bytes of
 * which a thread holds 64.
 * Returns 0, or -1 where a thread or memory is not to be had. */
int contend(size_t threads, size_t pairs, size_t min, size_t max);
