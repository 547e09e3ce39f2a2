/* trimmed_tail.c: the tail that a realloc has trimmed. */
#include "helpers.h"

int main(void) {
    char *p = cmem_alloc(MIB);
    p = cmem_realloc(p, 64 * KIB);
    cmem_free(announce(p + 64 * KIB));
    return 0;
}
