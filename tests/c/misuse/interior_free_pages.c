/* interior_free_pages.c: in the middle of free pages. */
#include "helpers.h"

int main(void) {
    char *p = cmem_alloc(20 * MIB);
    void *keep = cmem_alloc(20 * MIB);
    cmem_free(p);
    cmem_free(announce(p + MIB));
    cmem_free(keep);
    return 0;
}
