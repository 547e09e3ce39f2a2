/* foreign_malloc.c: a pointer from malloc. */
#include "helpers.h"

int main(void) {
    void *keep = cmem_alloc(100);
    cmem_free(announce(malloc(100)));
    cmem_free(keep);
    return 0;
}
