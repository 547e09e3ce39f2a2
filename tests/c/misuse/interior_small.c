/* interior_small.c: in the middle of a small block, where a smaller one could start. */
#include "helpers.h"

int main(void) {
    char *p = cmem_alloc(100);
    cmem_free(announce(p + 16));
    return 0;
}
