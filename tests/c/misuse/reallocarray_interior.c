/* reallocarray_interior.c: reallocarray of the middle of a block. */
#include "helpers.h"

int main(void) {
    char *p = cmem_alloc(100);
    p = cmem_reallocarray(announce(p + 32), 20, 10);
    return 0;
}
