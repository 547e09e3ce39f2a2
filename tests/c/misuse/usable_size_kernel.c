/* usable_size_kernel.c: the usable size of an address of the kernel. */
#include "helpers.h"

int main(void) {
    (void)cmem_usable_size(announce((void *)0xFFFF800000000000));
    return 0;
}
