/* owned_free.c: a block that belongs to Go. */
#include "helpers.h"

int main(void) {
    cmem_free(announce(own(cmem_alloc(100))));
    return 0;
}
