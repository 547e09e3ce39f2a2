/* realloc_interior.c: realloc of the middle of a block. */
#include "helpers.h"

int main(void) {
    char *p = cmem_alloc(100);
    p = cmem_realloc(announce(p + 32), 200);
    return 0;
}
