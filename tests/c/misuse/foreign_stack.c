/* foreign_stack.c: a variable on the stack. */
#include "helpers.h"

int main(void) {
    char variable[64];
    cmem_free(announce(variable));
    return 0;
}
