/* interior_small_cached.c: in the middle of a small block that is free, in a cache. */
#include "helpers.h"

int main(void) {
    char *p = cmem_alloc(100);
    cmem_free(p);
    cmem_free(announce(p + 16));
    return 0;
}
