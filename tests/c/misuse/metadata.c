/* metadata.c: a descriptor of the library itself. */
#include "helpers.h"

#include "pagemap.h"

int main(void) {
    void *p = cmem_alloc(100);
    cmem_free(announce(pagemap_span((uintptr_t)p)));
    cmem_free(p);
    return 0;
}
