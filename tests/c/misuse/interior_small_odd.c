/* interior_small_odd.c: one byte into a small block. */
#include "helpers.h"

int main(void) {
    char *p = cmem_alloc(100);
    cmem_free(announce(p + 1));
    return 0;
}
