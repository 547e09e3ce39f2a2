/* owned_free_exact.c: a block that is no class's and belongs to Go. */
#include "helpers.h"

int main(void) {
    cmem_free(announce(own(cmem_alloc(300 * KIB))));
    return 0;
}
