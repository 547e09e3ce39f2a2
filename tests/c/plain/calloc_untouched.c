/* cmem_calloc touches no page that is known to be zero. Not for the debug build, which reads such
 * pages to see whether they are: some kernels make a page resident when it is read. */
#include "cmem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB ((size_t)1 << 20)

static size_t rss_bytes(void) {
    size_t size = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f == NULL || fscanf(f, "%zu %zu", &size, &resident) != 2) exit(2);
    fclose(f);
    return resident * 4096;
}

int main(void) {
#ifdef CMEM_DEBUG
    puts("the debug build reads the pages");
    return 77;
#endif
    size_t before = rss_bytes();
    unsigned char *huge = cmem_calloc(1, 64 * MIB), *large = cmem_calloc(16, MIB);
    size_t after = rss_bytes();
    if (huge == NULL || large == NULL) return 2;
    memset(huge, 1, 64 * MIB);
    size_t touched = rss_bytes();
    printf("resident: %zu bytes before, %zu after, %zu once 64 MiB are written\n", before, after, touched);
    cmem_free(huge);
    cmem_free(large);
    return after < before + 4 * MIB && touched > before + 60 * MIB ? 0 : 1;
}
