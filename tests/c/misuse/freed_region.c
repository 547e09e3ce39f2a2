/* freed_region.c: a block whose region has gone back to malloc. */
#include "helpers.h"

int main(void) {
    void *p = announce(cmem_alloc(40 * MIB));
    cmem_free(p);
    cmem_scavenge(0);
    cmem_free(p);
    return 0;
}
