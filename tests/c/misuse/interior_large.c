/* interior_large.c: one page into a large block. */
#include "helpers.h"

int main(void) {
    char *p = cmem_alloc(100000);
    cmem_free(announce(p + 4096));
    return 0;
}
