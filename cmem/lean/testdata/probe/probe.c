#define _GNU_SOURCE
#include "probe.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static atomic_int blocked;

#ifdef TLS_BYTES
/* Static TLS, of which every thread has its own. */
static _Thread_local char tls[TLS_BYTES];
#endif

void probe_block(void) {
#ifdef TLS_BYTES
    ((volatile char *)tls)[0] = 1;
#endif
    atomic_fetch_add(&blocked, 1);
    for (;;) pause();
}

int probe_blocked(void) { return atomic_load(&blocked); }

size_t probe_stack(void) {
    pthread_attr_t attr;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attr) != 0) return 0;
    if (pthread_attr_getstacksize(&attr, &size) != 0) size = 0;
    pthread_attr_destroy(&attr);
    return size;
}

static void *tell_stack(void *size) {
    *(size_t *)size = probe_stack();
    return NULL;
}

size_t probe_new_stack(void) {
    pthread_t id;
    size_t size = 0;
    if (pthread_create(&id, NULL, tell_stack, &size) != 0) return 0;
    pthread_join(id, NULL);
    return size;
}
