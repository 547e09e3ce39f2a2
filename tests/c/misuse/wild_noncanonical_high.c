/* wild_noncanonical_high.c: an address that no machine has. */
#include "helpers.h"

int main(void) {
    cmem_free(announce((void *)0x8000000000000010));
    return 0;
}
