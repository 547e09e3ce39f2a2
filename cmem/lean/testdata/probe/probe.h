/* probe.h: what the program asks of C. */
#include <stddef.h>

/* Blocks for good. */
void probe_block(void);

/* Returns how many threads are blocked. */
int probe_blocked(void);

/* Returns the stack size of the calling thread, and of a new one that is created without asking for
 * a size; 0 where that cannot be told. */
size_t probe_stack(void);
size_t probe_new_stack(void);
