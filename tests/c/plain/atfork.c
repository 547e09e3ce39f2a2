/* Other atfork handlers use the library too, whenever they were registered. With a static archive
 * the program's own constructors may come first, so that its prepare handlers run while the library
 * holds its locks for the fork. */
#include "cmem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 2, FORKS = 40 };

static _Atomic unsigned handlers;
static _Atomic int stop;

/* Blocks that no cache has: small ones, large ones for which the heap grows, and all is given back. */
static void use_the_heap(void) {
    static const size_t sizes[] = {1, 3000, 10000, 50000, 300000, 5 << 20, 40 << 20};
    void *p[2 * sizeof sizes / sizeof *sizes];
    for (size_t i = 0; i < sizeof p / sizeof *p; i++) {
        size_t n = sizes[i / 2];
        p[i] = cmem_alloc(n);
        if (p[i] == NULL) _exit(2);
        memset(p[i], (int)i, n < 5000 ? n : 5000);
    }
    cmem_free_batch(p, sizeof p / sizeof *p);
    (void)cmem_scavenge(0);
    handlers++;
}

/* 101 is the first priority that is a program's, and this file comes before the archive. */
__attribute__((constructor(101))) static void before_the_library(void) {
    if (pthread_atfork(use_the_heap, use_the_heap, use_the_heap) != 0) _exit(3);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void take_mutex(void) { pthread_mutex_lock(&mutex); }
static void drop_mutex(void) {
    use_the_heap();
    pthread_mutex_unlock(&mutex);
}

/* An ordinary constructor: its prepare handler waits for a mutex that a thread holds while it uses the library. */
__attribute__((constructor)) static void program(void) {
    if (pthread_atfork(take_mutex, drop_mutex, drop_mutex) != 0) _exit(3);
}

static void *thread(void *arg) {
    (void)arg;
    while (!stop) {
        pthread_mutex_lock(&mutex);
        void *p = cmem_alloc(40 << 20), *q = cmem_alloc(1 << 20), *r = cmem_alloc(20000);
        cmem_free(p);
        cmem_free_batch(&q, 1);
        cmem_free_batch(&r, 1);
        pthread_mutex_unlock(&mutex);
        (void)cmem_scavenge(0);
    }
    return NULL;
}

static void child(void) {
    alarm(60); /* a lock that nobody will release */
    use_the_heap();
    if (cmem_scavenger_start(1000000) != 0) _exit(4);
    cmem_scavenger_stop();
    _exit(0);
}

int main(void) {
    pthread_t t[THREADS];
    alarm(110);
    for (size_t i = 0; i < THREADS; i++)
        if (pthread_create(&t[i], NULL, thread, NULL) != 0) return 5;
    for (unsigned i = 0; i < FORKS; i++) {
        int status;
        pid_t pid = fork();
        if (pid == 0) child();
        if (waitpid(pid, &status, 0) != pid || status != 0) return 6;
    }
    stop = 1;
    for (size_t i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
    return handlers == 3 * FORKS ? 0 : 7; /* the child counts in its own memory */
}
