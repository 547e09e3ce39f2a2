/* double_free_exact.c: a block that is no class's, freed twice: no cache has it. */
#include "helpers.h"

int main(void) {
    void *keep = cmem_alloc(1), *p = announce(cmem_alloc(300 * KIB));
    cmem_free(p);
    cmem_free(p);
    cmem_free(keep);
    return 0;
}
