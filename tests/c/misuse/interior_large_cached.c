/* interior_large_cached.c: in the middle of a large block that is free, in a cache. */
#include "helpers.h"

int main(void) {
    char *p = cmem_alloc(100000);
    cmem_free(p);
    cmem_free(announce(p + 8192));
    return 0;
}
