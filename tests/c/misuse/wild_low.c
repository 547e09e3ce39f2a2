/* wild_low.c: the address 1. */
#include "helpers.h"

int main(void) {
    cmem_free(announce((void *)1));
    return 0;
}
