/* A heap of which most was given back, a block in use here and there, while the kernel makes huge
 * pages of what is left. Prints the resident MiB; fails where they stay above 48. Built by
 * thp.sh. */
#include "cmem.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define N 2048
#define SIZE ((size_t)64 << 10)

static size_t resident_mib(void) {
    char text[128] = "";
    int fd = open("/proc/self/statm", O_RDONLY);
    if (fd < 0 || read(fd, text, sizeof text - 1) <= 0) exit(1);
    close(fd);
    return strtoul(strchr(text, ' '), NULL, 10) * (size_t)sysconf(_SC_PAGESIZE) >> 20;
}

int main(int argc, char **argv) {
    static void *p[N];
    long seconds = argc > 1 ? strtol(argv[1], NULL, 10) : 10;
    for (size_t i = 0; i < N; i++) {
        p[i] = cmem_alloc(SIZE);
        if (p[i] == NULL) return 1;
        memset(p[i], 1, SIZE);
    }
    size_t full = resident_mib(), most = 0, now = 0;
    for (size_t i = 0; i < N; i++)
        if (i % 32 != 0) cmem_free(p[i]);
    cmem_scavenge(0);
    printf("%zu MiB, then", full);
    for (long i = 0; i < 2 * seconds; i++) {
        now = resident_mib();
        if (now > most) most = now;
        printf(" %zu", now);
        fflush(stdout);
        nanosleep(&(struct timespec){.tv_nsec = 500000000}, NULL);
        cmem_scavenge(1000000000); /* as the scavenger does */
    }
    printf(" MiB\n");
    if (most < 64) return 77; /* nothing came back */
    return now <= 48 ? 0 : 1;
}
