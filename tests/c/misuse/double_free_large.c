/* double_free_large.c: a large block freed twice; it sits in the thread's cache. */
#include "helpers.h"

int main(void) {
    void *p = announce(cmem_alloc(100000));
    cmem_free(p);
    cmem_free(p);
    return 0;
}
