/* realloc_moved.c: the old address of a block that a realloc has moved. */
#include "helpers.h"

int main(void) {
    void *p = announce(cmem_alloc(100));
    void *q = cmem_realloc(p, 100000);
    cmem_free(p);
    cmem_free(q);
    return 0;
}
