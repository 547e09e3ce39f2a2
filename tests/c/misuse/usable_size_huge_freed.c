/* usable_size_huge_freed.c: the usable size of a freed huge block. */
#include "helpers.h"

int main(void) {
    void *p = announce(cmem_alloc(20 * MIB)), *keep = cmem_alloc(1);
    cmem_free(p);
    (void)cmem_usable_size(p);
    (void)keep;
    return 0;
}
