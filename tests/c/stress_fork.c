/* stress_fork.c: forks while other threads allocate, free and scavenge. Each child uses the heap that it got. */
#include "stress.h"

#include "check.h"

#include <sys/wait.h>

enum { THREADS = 3, SLOTS = 32 };

#if defined(__SANITIZE_THREAD__)
/* A fork takes more locks at once than ThreadSanitizer's own search for deadlocks can count (64). */
__attribute__((visibility("default"))) const char *__tsan_default_options(void);
const char *__tsan_default_options(void) { return "detect_deadlocks=0"; }
#endif

static struct budget budget;
static _Atomic bool stop;

static void *use_the_heap(void *arg) {
    uint64_t seed = (uintptr_t)arg;
    struct block *own[SLOTS] = {NULL};
    while (!stop) {
        size_t i = pick(&seed, SLOTS);
        block_free(own[i]);
        own[i] = block_new(&seed);
        if (pick(&seed, 50) == 0) cmem_scavenge(pick(&seed, 2));
    }
    for (size_t i = 0; i < SLOTS; i++) block_free(own[i]);
    return NULL;
}

/* The child's one thread has blocks of its own and the parent's. It takes no more than fits in the heap it got: under
 * a sanitizer malloc itself is not safe after the fork of a program with threads. */
static void child(uint64_t seed, struct block **inherited) {
    struct block *own[SLOTS];
    alarm(120); /* a lock that nobody will release */
    cmem__check(false);
    for (size_t i = 0; i < SLOTS; i++) block_free(inherited[i]);
    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < SLOTS; i++) own[i] = block_new(&seed);
        cmem__check(false);
        for (size_t i = 0; i < SLOTS; i++) block_free(own[i]);
    }
    cmem__check(false);
    (void)stats_now();
    _exit(0);
}

int main(void) {
    pthread_t t[THREADS];
    uint64_t seed = test_seed("stress_fork");
    struct block *own[SLOTS];
    unsigned children = 0;
    cmem_free(
        cmem_alloc(256 * MIB)); /* room for parent and children; nobody scavenges it before there is use */
    budget_start(&budget);
    for (size_t i = 0; i < SLOTS; i++) own[i] = block_new(&seed);
    for (unsigned i = 0; i < THREADS; i++) {
        expect(pthread_create(&t[i], NULL, use_the_heap, (void *)(uintptr_t)rnd(&seed)) == 0);
    }
    do {
        int status;
        pid_t pid = fork();
        expect(pid >= 0);
        if (pid == 0) child(rnd(&seed), own);
        expect(waitpid(pid, &status, 0) == pid);
        if (status != 0) fprintf(stderr, "child %u: wait status %#x\n", children, (unsigned)status);
        expect(status == 0);
        children++;
    } while (budget_left(&budget, 500));
    stop = true;
    for (unsigned i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
    for (size_t i = 0; i < SLOTS; i++) block_free(own[i]);
    cmem_scavenge(0);
    struct cmem_stats s = check_heap();
    expect(s.live_blocks == 0 && s.heap_inuse == 0);
    printf("%u children, %" PRIu64 " blocks\n", children, s.mallocs);
    return 0;
}
