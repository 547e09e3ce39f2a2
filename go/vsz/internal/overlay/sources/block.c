/* block.c: what the threads of a load do in C. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void cmem_vsz_block(int64_t *blocked, size_t size);

/* Takes size bytes of malloc, writes all of them, counts itself to *blocked, and stays for good. Size 0: no malloc. It
 * returns only where malloc fails. Go's signals interrupt pause. */
void cmem_vsz_block(int64_t *blocked, size_t size) {
    if (size > 0) {
        void *p = malloc(size);
        if (p == NULL) return;
        memset(p, 1, size);
        __asm__ volatile("" : : "r"(p) : "memory"); /* keep the compiler from leaving out both */
    }
    __atomic_add_fetch(blocked, 1, __ATOMIC_SEQ_CST);
    for (;;) pause();
}
