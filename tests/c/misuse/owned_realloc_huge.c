/* owned_realloc_huge.c: realloc of a huge block that belongs to Go. */
#include "helpers.h"

int main(void) {
    void *p = announce(own(cmem_alloc(20 * MIB)));
    p = cmem_realloc(p, 30 * MIB);
    return 0;
}
