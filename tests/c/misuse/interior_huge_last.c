/* interior_huge_last.c: the last page of a huge block, which stands in the pagemap. */
#include "helpers.h"

int main(void) {
    char *p = cmem_alloc(20 * MIB);
    cmem_free(announce(p + 20 * MIB - 4096));
    return 0;
}
