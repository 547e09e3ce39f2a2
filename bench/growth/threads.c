//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

#include "threads.h"

#include "cmem.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t ready; /* one more waits */
    pthread_cond_t ending;
    pthread_t *threads;
    size_t n, waiting;
    bool end;
} idle = {.mutex = PTHREAD_MUTEX_INITIALIZER,
          .ready = PTHREAD_COND_INITIALIZER,
          .ending = PTHREAD_COND_INITIALIZER};

/* What every thread does: 64 blocks of each of some sizes. */
static void allocate_and_free(void) {
    static const size_t sizes[] = {64, 1000, 10000, 100000};
    void *p[64];
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (size_t i = 0; i < 64; i++) {
            p[i] = cmem_alloc(sizes[s]);
            if (p[i] == NULL) abort(); /* the machine is too small for this measurement */
        }
        for (size_t i = 0; i < 64; i++) cmem_free(p[i]);
    }
}

static void *once(void *arg) {
    allocate_and_free();
    return arg;
}

static void *wait_for_end(void *arg) {
    allocate_and_free();
    pthread_mutex_lock(&idle.mutex);
    idle.waiting++;
    pthread_cond_signal(&idle.ready);
    while (!idle.end) pthread_cond_wait(&idle.ending, &idle.mutex);
    pthread_mutex_unlock(&idle.mutex);
    return arg;
}

/* A thread with a small stack, as there are to be many. */
static int start(pthread_t *id, void *(*f)(void *)) {
    pthread_attr_t attr;
    int e = pthread_attr_init(&attr);
    if (e != 0) return e;
    e = pthread_attr_setstacksize(&attr, (size_t)64 << 10);
    if (e == 0) e = pthread_create(id, &attr, f, NULL);
    (void)pthread_attr_destroy(&attr);
    return e;
}

int growth_churn(size_t n) {
    for (size_t i = 0; i < n; i++) {
        pthread_t id;
        int e = start(&id, once);
        if (e == 0) e = pthread_join(id, NULL);
        if (e != 0) return e;
    }
    return 0;
}

static void until_waiting(void) {
    pthread_mutex_lock(&idle.mutex);
    while (idle.waiting < idle.n) pthread_cond_wait(&idle.ready, &idle.mutex);
    pthread_mutex_unlock(&idle.mutex);
}

int growth_idle(size_t n) {
    if (n <= idle.n) return 0;
    pthread_t *threads = realloc(idle.threads, n * sizeof *threads);
    if (threads == NULL) return ENOMEM;
    idle.threads = threads;
    int e = 0;
    while (e == 0 && idle.n < n) {
        e = start(&idle.threads[idle.n], wait_for_end);
        if (e == 0) idle.n++;
    }
    until_waiting();
    return e;
}

void growth_idle_end(void) {
    pthread_mutex_lock(&idle.mutex);
    idle.end = true;
    pthread_cond_broadcast(&idle.ending);
    pthread_mutex_unlock(&idle.mutex);
    for (size_t i = 0; i < idle.n; i++) (void)pthread_join(idle.threads[i], NULL);
    free(idle.threads);
    idle.threads = NULL;
    idle.n = idle.waiting = 0;
    idle.end = false;
}

void growth_blocks(size_t n, size_t live, size_t size) {
    void *p[GROWTH_LIVE];
    if (live > GROWTH_LIVE) abort();
    for (size_t done = 0; done < n; done += live) {
        for (size_t i = 0; i < live; i++) {
            p[i] = cmem_alloc(size);
            if (p[i] == NULL) abort();
            *(volatile char *)p[i] = 1;
        }
        for (size_t i = 0; i < live; i++) cmem_free(p[i]);
    }
}
