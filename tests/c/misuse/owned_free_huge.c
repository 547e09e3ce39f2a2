/* owned_free_huge.c: a huge block that belongs to Go. */
#include "helpers.h"

int main(void) {
    cmem_free(announce(own(cmem_alloc(20 * MIB))));
    return 0;
}
