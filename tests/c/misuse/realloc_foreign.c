/* realloc_foreign.c: realloc of a pointer from malloc. */
#include "helpers.h"

int main(void) {
    void *p = cmem_realloc(announce(malloc(100)), 200);
    cmem_free(p);
    return 0;
}
