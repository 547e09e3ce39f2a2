/* The scavenger's thread in processes that fork: each generation starts and stops its own, whatever
 * its parent's did at the time. */
#include "cmem.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS ((uint64_t)1000000)

enum { GENERATIONS = 6, CYCLES = 5, FORKS = 40 };

static _Noreturn void fail(const char *what, int number) {
    fprintf(stderr, "scavenger_fork: %s (%d): %s\n", what, number, strerror(errno));
    _exit(1);
}

static void wait_for(pid_t pid) {
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) != pid) fail("fork", (int)pid);
    if (status != 0) fail("a child's status is not 0", status);
}

/* Whether the process has so many threads. (One that has been joined may be there for a moment.) */
static int threads(void) {
    char line[128];
    int n = 0;
    FILE *f = fopen("/proc/self/status", "re");
    if (f == NULL) fail("/proc/self/status", 0);
    while (fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "Threads:", 8) == 0) n = atoi(line + 8);
    fclose(f);
    return n;
}

static void expect_threads(int n) {
    for (int i = 0; threads() != n; i++) {
        if (i == 1000) fail("threads", threads());
        usleep(1000);
    }
}

static void cycles(void) {
    for (int i = 0; i < CYCLES; i++) {
        if (cmem_scavenger_start(MS) != 0) fail("start", i);
        if (cmem_scavenger_start(MS) == 0 || errno != EALREADY) fail("a second start", i);
        expect_threads(2);
        cmem_free(cmem_alloc(1 << 20));
        if (i % 2 == 0) usleep(2000); /* it sleeps, or has not begun to */
        cmem_scavenger_stop();
        cmem_scavenger_stop();
        expect_threads(1);
    }
}

/* A child of a child of ..., each of a process in which the thread runs. */
static void generation(int left) {
    cycles();
    if (left == 0) return;
    if (cmem_scavenger_start(MS) != 0) fail("start", left);
    usleep(2000);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(60);
        expect_threads(1);
        generation(left - 1);
        _exit(0);
    }
    wait_for(pid);
    cmem_scavenger_stop();
    cycles();
}

static _Atomic int stop;

static void *start_and_stop(void *arg) {
    (void)arg;
    while (!stop) {
        if (cmem_scavenger_start(MS) != 0 && errno != EALREADY) fail("start", 0);
        cmem_scavenger_stop();
    }
    return NULL;
}

/* Two threads start it and stop it, while others fork. */
static void fork_meanwhile(void) {
    pthread_t t[2];
    for (int i = 0; i < 2; i++)
        if (pthread_create(&t[i], NULL, start_and_stop, NULL) != 0) fail("pthread_create", i);
    for (int i = 0; i < FORKS; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            alarm(60);
            cycles();
            _exit(0);
        }
        wait_for(pid);
    }
    stop = 1;
    for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
    expect_threads(1);
}

int main(void) {
    alarm(110);
    generation(GENERATIONS);
    fork_meanwhile();
    return 0;
}
