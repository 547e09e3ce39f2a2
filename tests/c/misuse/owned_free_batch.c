/* owned_free_batch.c: a block that belongs to Go, in a batch. */
#include "helpers.h"

int main(void) {
    void *batch[] = {cmem_alloc(100), announce(own(cmem_alloc(100000)))};
    cmem_free_batch(batch, LEN(batch));
    return 0;
}
