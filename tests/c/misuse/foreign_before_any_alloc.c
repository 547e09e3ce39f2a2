/* foreign_before_any_alloc.c: a pointer from malloc, before the heap has anything. */
#include "helpers.h"

int main(void) {
    cmem_free(announce(malloc(100)));
    return 0;
}
