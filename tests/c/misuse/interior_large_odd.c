/* interior_large_odd.c: an odd address in the first page of a large block. */
#include "helpers.h"

int main(void) {
    char *p = cmem_alloc(100000);
    cmem_free(announce(p + 17));
    return 0;
}
