/* owned_free_large.c: a large block that belongs to Go. */
#include "helpers.h"

int main(void) {
    cmem_free(announce(own(cmem_alloc(100000))));
    return 0;
}
