/* interior_exact_last.c: its last page, which stands in the pagemap. */
#include "helpers.h"

int main(void) {
    char *p = cmem_alloc(300 * KIB);
    cmem_free(announce(p + 300 * KIB - 4096));
    return 0;
}
