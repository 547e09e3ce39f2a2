/* wild_last.c: the last address. */
#include "helpers.h"

int main(void) {
    cmem_free(announce((void *)0xFFFFFFFFFFFFFFFF));
    return 0;
}
