/* double_free_other_thread.c: freed by a thread that still has it in its cache, then by this one. */
#include "helpers.h"

static pthread_barrier_t freed;

static void *free_and_wait(void *p) {
    cmem_free(p);
    pthread_barrier_wait(&freed);
    pause();
    return NULL;
}

int main(void) {
    pthread_t t;
    void *p = announce(cmem_alloc(100));
    pthread_barrier_init(&freed, NULL, 2);
    pthread_create(&t, NULL, free_and_wait, p);
    pthread_barrier_wait(&freed);
    cmem_free(p);
    return 0;
}
