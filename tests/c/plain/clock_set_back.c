/* The time of day is set back by an hour, just after anybody has asked for it: the scavenger must
 * not sleep for an hour. */
#include "cmem.h"

#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Stands before the C library's. */
int clock_gettime(clockid_t clock_id, struct timespec *tp) {
    int result = (int)syscall(SYS_clock_gettime, clock_id, tp);
    if (clock_id == CLOCK_REALTIME || clock_id == CLOCK_REALTIME_COARSE) tp->tv_sec += 3600;
    return result;
}

static uint64_t released(void) {
    struct cmem_stats s = {.struct_size = sizeof s};
    cmem_stats(&s);
    return s.scavenged_bytes;
}

int main(void) {
    const size_t n = 20 << 20;
    if (cmem_scavenger_start(50000000) != 0) return 1;
    for (int round = 0; round < 3; round++) {
        uint64_t before = released();
        void *p = cmem_alloc(n);
        if (p == NULL) return 2;
        memset(p, 1, n);
        cmem_free(p);
        for (int i = 0; released() < before + n / 2; i++) {
            if (i == 1000) return 3;
            usleep(10000);
        }
    }
    cmem_scavenger_stop();
    return 0;
}
