/* pace_fork.c: a child of fork, whose CPU time begins anew, settles its heap at the pace of its parent. */
#include "cmem.h"
#include "scavenger.h"

#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t wall_ns = 1000000000000, cpu_ns = 100000000000;

int clock_gettime(clockid_t clock, struct timespec *t) {
    uint64_t ns = clock == CLOCK_PROCESS_CPUTIME_ID ? cpu_ns : wall_ns;
    *t = (struct timespec){(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
    return 0;
}

/* The bytes given back in so many steps of 20 ms in which the process keeps a CPU busy, and 8 MiB are allocated and freed, which are
 * dear if they were given back. */
static size_t given_back(unsigned steps) {
    enum { BLOCKS = 16, BYTES = 512 << 10 };
    size_t bytes = 0;
    while (steps-- > 0) {
        void *p[BLOCKS];
        for (unsigned i = 0; i < BLOCKS; i++) p[i] = cmem_alloc(BYTES);
        cmem_free_batch(p, BLOCKS);
        wall_ns += SETTLE_NS;
        cpu_ns += SETTLE_NS;
        bytes += cmem__settle();
    }
    return bytes >> 20;
}

int main(void) {
    alarm(100);
    (void)given_back(400);
    size_t before = given_back(200);
    pid_t pid = fork();
    if (pid == 0) {
        cpu_ns = 0;
        size_t after = given_back(200);
        printf("MiB given back in 200 steps: %zu, in a child of fork %zu\n", before, after);
        fflush(stdout);
        _exit(after > 2 * before + 64);
    }
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) != pid) return 1;
    return status != 0;
}
