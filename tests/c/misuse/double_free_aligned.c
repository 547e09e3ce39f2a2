/* double_free_aligned.c: an aligned block freed twice. */
#include "helpers.h"

int main(void) {
    void *p = announce(cmem_aligned_alloc(64 * KIB, 1000));
    cmem_free(p);
    cmem_free(p);
    return 0;
}
