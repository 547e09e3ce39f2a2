/* interior_exact.c: a page into a block that is no class's. */
#include "helpers.h"

int main(void) {
    char *p = cmem_alloc(300 * KIB);
    cmem_free(announce(p + 4096));
    return 0;
}
