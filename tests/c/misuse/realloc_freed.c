/* realloc_freed.c: realloc of a freed block. */
#include "helpers.h"

int main(void) {
    void *p = announce(cmem_alloc(100));
    cmem_free(p);
    p = cmem_realloc(p, 200);
    return 0;
}
