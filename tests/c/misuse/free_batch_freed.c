/* free_batch_freed.c: a freed block in a batch. */
#include "helpers.h"

int main(void) {
    void *batch[] = {cmem_alloc(100), announce(cmem_alloc(100000))};
    cmem_free(batch[1]);
    cmem_free_batch(batch, LEN(batch));
    return 0;
}
