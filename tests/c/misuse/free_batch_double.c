/* free_batch_double.c: one block twice in a batch. */
#include "helpers.h"

int main(void) {
    void *p = announce(cmem_alloc(100));
    void *batch[] = {cmem_alloc(100), p, cmem_alloc(5000), NULL, p};
    cmem_free_batch(batch, LEN(batch));
    return 0;
}
