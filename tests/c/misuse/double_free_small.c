/* double_free_small.c: a small block freed twice; it sits in the thread's cache. */
#include "helpers.h"

int main(void) {
    void *p = announce(cmem_alloc(100));
    cmem_free(p);
    cmem_free(p);
    return 0;
}
