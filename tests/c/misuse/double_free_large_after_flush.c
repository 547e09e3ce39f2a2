/* double_free_large_after_flush.c: a large block that has gone back to the page heap. */
#include "helpers.h"

int main(void) {
    void *p = announce(cmem_alloc(100000));
    cmem_free(p);
    cmem_scavenge(0);
    cmem_free(p);
    return 0;
}
