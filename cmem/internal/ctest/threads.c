//go:build cgo && linux && (amd64 || arm64 || riscv64)

/* threads.c: allocates and frees on threads that Go knows nothing of. */
#include "ctest.h"

#include "cmem.h"

#include <pthread.h>

struct work {
    const size_t *n; /* NULL: free */
    void **p;
    size_t count;
};

static void *work(void *arg) {
    const struct work *w = arg;
    for (size_t i = 0; i < w->count; i++) {
        if (w->n == NULL)
            cmem_free(w->p[i]);
        else if ((w->p[i] = cmem_alloc(w->n[i])) == NULL)
            return arg;
    }
    return NULL;
}

/* Runs f(arg) on a new thread; -1 where it returns other than NULL or there is no thread. */
static int on_thread(void *(*f)(void *), void *arg) {
    pthread_t thread;
    void *failed;
    if (pthread_create(&thread, NULL, f, arg) != 0) return -1;
    return pthread_join(thread, &failed) == 0 && failed == NULL ? 0 : -1;
}

struct churn {
    const size_t *n;
    size_t *usable, count;
};

static void *churn(void *arg) {
    const struct churn *w = arg;
    for (size_t i = 0; i < w->count; i++) {
        void *p = cmem_alloc(w->n[i]);
        if (p == NULL) return arg;
        w->usable[i] = cmem_usable_size(p);
        cmem_free(p);
    }
    return NULL;
}

int ctest_churn_on_thread(const size_t *n, size_t *usable, size_t count) {
    return on_thread(churn, &(struct churn){n, usable, count});
}

int ctest_alloc_on_thread(const size_t *n, void **out, size_t count) {
    return on_thread(work, &(struct work){n, out, count});
}

int ctest_free_on_thread(void **p, size_t count) { return on_thread(work, &(struct work){NULL, p, count}); }
