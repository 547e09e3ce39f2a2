/* free_batch_foreign.c: a static variable in a batch. */
#include "helpers.h"

int main(void) {
    static char variable[64];
    void *batch[] = {cmem_alloc(100), announce(variable)};
    cmem_free_batch(batch, LEN(batch));
    return 0;
}
