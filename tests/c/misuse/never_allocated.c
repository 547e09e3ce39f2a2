/* never_allocated.c: the start of a block that nobody has ever had. */
#include "helpers.h"

int main(void) {
    char *p = cmem_alloc(100);
    cmem_free(announce(p + 4480));
    return 0;
}
