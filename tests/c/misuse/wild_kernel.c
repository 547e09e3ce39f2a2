/* wild_kernel.c: an address of the kernel. */
#include "helpers.h"

int main(void) {
    cmem_free(announce((void *)0xFFFF800000000000));
    return 0;
}
