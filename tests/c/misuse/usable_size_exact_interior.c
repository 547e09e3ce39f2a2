/* usable_size_exact_interior.c: usable size of the middle of a block that is no class's. */
#include "helpers.h"

int main(void) {
    char *p = cmem_alloc(300 * KIB);
    (void)cmem_usable_size(announce(p + 150 * KIB));
    return 0;
}
