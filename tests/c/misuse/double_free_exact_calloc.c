/* double_free_exact_calloc.c: the same with one from calloc, after a scavenge. */
#include "helpers.h"

int main(void) {
    void *keep = cmem_alloc(1), *p = announce(cmem_calloc(3, MIB + 1));
    cmem_free(p);
    cmem_scavenge(1);
    cmem_free(p);
    cmem_free(keep);
    return 0;
}
