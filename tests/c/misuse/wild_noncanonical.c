/* wild_noncanonical.c: the first address past 48 bits. */
#include "helpers.h"

int main(void) {
    cmem_free(announce((void *)0x0001000000000000));
    return 0;
}
