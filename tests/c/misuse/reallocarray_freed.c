/* reallocarray_freed.c: reallocarray of a freed block. */
#include "helpers.h"

int main(void) {
    void *p = announce(cmem_alloc(100));
    cmem_free(p);
    p = cmem_reallocarray(p, 2, 100);
    return 0;
}
