/* No call is a cancellation point: a thread that is cancelled (deferred, as is the default) in one
 * goes on until it reaches a point of its own, and leaves no lock behind. */
#define _GNU_SOURCE
#include "cmem.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 8, BLOCKS = 4 };

static _Noreturn void fail(const char *what) {
    fprintf(stderr, "cancel: %s\n", what);
    _exit(1);
}

/* ----------------------------------------------------------------------------- each call, with a
 * request that is pending */

static _Atomic int calls;
static int null; /* to write to; to open it is a cancellation point */

static void *every_call(void *arg) {
    struct cmem_stats s = {.struct_size = sizeof s};
    struct cmem_class_info info;
    void *p[8];
    (void)arg;
    pthread_cancel(pthread_self());
    for (size_t n = 1; n <= (size_t)64 << 20; n *= 8) {
        p[0] = cmem_alloc(n);
        p[1] = cmem_calloc(1, n);
        p[2] = cmem_aligned_alloc(8192, n);
        p[3] = cmem_realloc(cmem_alloc(n), 2 * n);
        size_t got = 4 + cmem_alloc_batch(n, p + 4, 4);
        if (got != 8 || cmem_usable_size(p[0]) < n) fail("no memory");
        cmem_free(p[0]);
        cmem_free_batch(p + 1, got - 1);
        (void)cmem_scavenge(0);
    }
    if (cmem_scavenger_start(1000000) != 0) fail("no scavenger");
    cmem_scavenger_stop();
    if (cmem_set_limit(0) != 0 || cmem_class_info(1, &info) != 0) fail("set_limit or class_info");
    cmem_stats(&s);
    if (cmem_spans(null) != 0) fail("spans");
    calls++;
    pthread_testcancel();
    fail("not cancelled");
}

static void pending(void) {
    pthread_t t;
    void *result;
    null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null < 0) fail("/dev/null");
    if (pthread_create(&t, NULL, every_call, NULL) != 0 || pthread_join(t, &result) != 0)
        fail("pthread_create");
    if (result != PTHREAD_CANCELED || calls != 1) fail("a call was a cancellation point");
}

/* Misuse is reported, and ends the process, even so. */
static void misuse(void) {
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGABRT, SIG_DFL);
        void *p = cmem_alloc(100);
        cmem_free(p);
        pthread_cancel(pthread_self());
        cmem_free(p);
        _exit(0);
    }
    if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
        fail("misuse by a thread that is cancelled did not abort");
}

/* -------------------------------------------------------------------------------------- many
 * threads, cancelled at random */

static uint64_t rnd(uint64_t *state) {
    uint64_t x = *state += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

static void free_all(void *blocks) { cmem_free_batch(blocks, BLOCKS); }

/* Huge blocks, for which threads wait for one another to add a region, and others. */
static void *worker(void *arg) {
    uint64_t seed = (uintptr_t)arg;
    void *p[BLOCKS] = {NULL};
    pthread_cleanup_push(free_all, p);
    for (;;) {
        size_t i = rnd(&seed) % BLOCKS;
        cmem_free(p[i]);
        p[i] = NULL; /* no cancellation point since: it is freed once */
        p[i] = cmem_alloc(((size_t)1 << (rnd(&seed) % 27)) + rnd(&seed) % 4096);
        if (p[i] == NULL) fail("no memory");
        if (rnd(&seed) % 4 == 0) (void)cmem_scavenge(0);
        if (rnd(&seed) % 8 == 0) pthread_testcancel();
    }
    pthread_cleanup_pop(1);
    return NULL;
}

static void stress(uint64_t seed) {
    pthread_t t[THREADS];
    struct cmem_stats s = {.struct_size = sizeof s};
    time_t end = time(NULL) + 3;
    unsigned cancelled = 0;
    for (size_t i = 0; i < THREADS; i++)
        if (pthread_create(&t[i], NULL, worker, (void *)(uintptr_t)rnd(&seed)) != 0) fail("pthread_create");
    for (; time(NULL) < end; cancelled++) {
        size_t i = rnd(&seed) % THREADS;
        usleep((useconds_t)(rnd(&seed) % 2000));
        pthread_cancel(t[i]);
        pthread_join(t[i], NULL);
        if (pthread_create(&t[i], NULL, worker, (void *)(uintptr_t)rnd(&seed)) != 0) fail("pthread_create");
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_cancel(t[i]);
        pthread_join(t[i], NULL);
    }
    cmem_stats(&s);
    printf("%u threads cancelled\n", cancelled);
    if (s.live_blocks != 0) fail("a block was lost");
}

int main(void) {
    const char *text = getenv("CMEM_SEED");
    uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : (uint64_t)time(NULL) ^ (uint64_t)getpid() << 32;
    printf("cancel: CMEM_SEED=%llu\n", (unsigned long long)seed);
    fflush(stdout);
    alarm(110);
    pending();
    misuse();
    stress(seed);
    return 0;
}
