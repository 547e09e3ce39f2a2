/* The least that a program does with the library: blocks of every kind, taken, filled and given back. */
#include "cmem.h"

#include <string.h>

int main(void) {
    const size_t sizes[] = {1, 100, 4096, 30000, 100000, 5 << 20, 20 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *p = cmem_alloc(sizes[i]), *q = cmem_calloc(1, sizes[i]);
        if (p == NULL || q == NULL || q[0] != 0 || q[sizes[i] - 1] != 0) return 1;
        memset(p, 1, sizes[i]);
        cmem_free(p);
        cmem_free(q);
    }
    return 0;
}
