/* interior_huge.c: in the middle of a huge block. */
#include "helpers.h"

int main(void) {
    char *p = cmem_alloc(20 * MIB);
    cmem_free(announce(p + MIB));
    return 0;
}
