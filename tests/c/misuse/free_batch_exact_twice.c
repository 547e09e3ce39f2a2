/* free_batch_exact_twice.c: a block that is no class's twice in a batch, among others of its class. */
#include "helpers.h"

int main(void) {
    void *p = announce(cmem_alloc(300 * KIB)), *q = cmem_alloc(300 * KIB);
    cmem_free_batch((void *[]){q, p, p}, 3);
    return 0;
}
