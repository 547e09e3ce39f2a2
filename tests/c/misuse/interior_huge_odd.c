/* interior_huge_odd.c: eight bytes into a huge block. */
#include "helpers.h"

int main(void) {
    char *p = cmem_alloc(20 * MIB);
    cmem_free(announce(p + 8));
    return 0;
}
