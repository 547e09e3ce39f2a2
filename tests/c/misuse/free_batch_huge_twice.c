/* free_batch_huge_twice.c: a huge block twice in a batch. */
#include "helpers.h"

int main(void) {
    void *keep = cmem_alloc(20 * MIB), *p = announce(cmem_alloc(20 * MIB));
    cmem_free_batch((void *[]){p, p}, 2);
    cmem_free(keep);
    return 0;
}
