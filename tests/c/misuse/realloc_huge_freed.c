/* realloc_huge_freed.c: realloc of a freed huge block. */
#include "helpers.h"

int main(void) {
    void *keep = cmem_alloc(20 * MIB), *p = announce(cmem_alloc(20 * MIB));
    cmem_free(p);
    p = cmem_realloc(p, 200);
    cmem_free(keep);
    return 0;
}
