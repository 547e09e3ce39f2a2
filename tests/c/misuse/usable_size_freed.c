/* usable_size_freed.c: the usable size of a freed block. */
#include "helpers.h"

int main(void) {
    void *p = announce(cmem_alloc(100));
    cmem_free(p);
    (void)cmem_usable_size(p);
    return 0;
}
