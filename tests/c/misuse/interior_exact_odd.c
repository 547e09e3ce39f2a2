/* interior_exact_odd.c: a byte into it. */
#include "helpers.h"

int main(void) {
    char *p = cmem_alloc(300 * KIB);
    cmem_free(announce(p + 1));
    return 0;
}
