/* interior_large_last.c: the last page of a large block, which stands in the pagemap. */
#include "helpers.h"

int main(void) {
    char *p = cmem_alloc(100000);
    cmem_free(announce(p + 102400));
    return 0;
}
