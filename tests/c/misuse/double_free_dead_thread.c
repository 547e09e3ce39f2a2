/* double_free_dead_thread.c: freed by a thread that has ended, then by this one; the span holds a live block. */
#include "helpers.h"

static void *free_it(void *p) {
    cmem_free(p);
    return NULL;
}

int main(void) {
    pthread_t t;
    void *keep = cmem_alloc(100), *p = announce(cmem_alloc(100));
    pthread_create(&t, NULL, free_it, p);
    pthread_join(t, NULL);
    cmem_free(p);
    cmem_free(keep);
    return 0;
}
