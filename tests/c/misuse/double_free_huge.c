/* double_free_huge.c: a huge block freed twice. */
#include "helpers.h"

int main(void) {
    void *keep = cmem_alloc(20 * MIB), *p = announce(cmem_alloc(20 * MIB));
    cmem_free(p);
    cmem_free(p);
    cmem_free(keep);
    return 0;
}
