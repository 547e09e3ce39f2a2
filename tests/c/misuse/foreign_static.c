/* foreign_static.c: a static variable. */
#include "helpers.h"

static char variable[64];

int main(void) {
    cmem_free(announce(variable));
    return 0;
}
