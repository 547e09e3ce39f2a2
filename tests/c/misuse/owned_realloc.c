/* owned_realloc.c: realloc of a block that belongs to Go, for which it is large enough. */
#include "helpers.h"

int main(void) {
    void *p = announce(own(cmem_alloc(100)));
    p = cmem_realloc(p, 50);
    return 0;
}
