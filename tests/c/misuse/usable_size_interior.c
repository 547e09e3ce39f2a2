/* usable_size_interior.c: the usable size of the middle of a block. */
#include "helpers.h"

int main(void) {
    char *p = cmem_alloc(100000);
    (void)cmem_usable_size(announce(p + 4096));
    return 0;
}
