/* realloc_exact_freed.c: realloc of a block that is no class's and was freed. */
#include "helpers.h"

int main(void) {
    void *keep = cmem_alloc(1), *p = announce(cmem_alloc(300 * KIB));
    cmem_free(p);
    p = cmem_realloc(p, 200);
    cmem_free(keep);
    return 0;
}
