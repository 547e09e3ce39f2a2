/* double_free_in_central.c: a free block in no cache, whose span holds a live one. */
#include "helpers.h"

int main(void) {
    void *keep = cmem_alloc(100), *p = announce(cmem_alloc(100));
    cmem_free(p);
    cmem_scavenge(0);
    cmem_free(p);
    cmem_free(keep);
    return 0;
}
