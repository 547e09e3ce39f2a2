//go:build linux && (amd64 || arm64 || riscv64)

/* scavenger.c: gives idle memory back, by age or by the pacer's law; and the thread that does so in
 * programs without Go. */
#include "budget.h"
#include "cache.h"
#include "central.h"
#include "os.h"
#include "pacer.h"
#include "pageheap.h"
#include "release.h"
#include "scavenger.h"
#include "thread.h"
#include "transfer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

/* --------------------------------------------------------------------------------------- by age */

size_t cmem__scavenge(uint64_t idle_ns) {
    int saved = errno;
    if (idle_ns == 0) cmem__thread_flush();
    cmem__cache_drain(idle_ns);
    if (idle_ns == 0) cmem__central_trim(true);
    size_t bytes = cmem__pages_scavenge(idle_ns);
    errno = saved; /* a descriptor that is not to be had is no error here */
    return bytes;
}

bool cmem__reclaim(size_t npages) {
    if (npages > cmem__pages_sys()) return false;
    (void)cmem__scavenge(0);
    return true;
}

/* ----------------------------------------------------------------------------------- by the law */

/* The one scavenger's. */
static struct cmem__pacer pacer;

struct cmem__stepped cmem__scavenger_step(uint64_t idle_ns) {
    int saved = errno;
    cmem__cache_drain(idle_ns);
    cmem__cache_mark(false);
    cmem__central_trim(false);
    cmem__pages_set_transfer(cmem__transfer_bytes());
    struct cmem__pages_use use = cmem__pages_use();
    if (use.limit != SIZE_MAX) idle_ns = cmem__pacer_scarce(idle_ns, use.limit, use.inuse, use.resident);
    struct cmem__pacer_in in = {.now = cmem__now(),
                                .idle = idle_ns,
                                .inuse = use.inuse,
                                .peak = use.peak,
                                .cached = cmem__cache_bytes(),
                                .free = use.resident};
    struct cmem__pacer_out out = cmem__pacer_step(&pacer, &in);
    cmem__budget_peak(out.peak);
    struct cmem__stepped done = {.next = out.next, .released = cmem__pages_release(out.release, idle_ns)};
    errno = saved;
    return done;
}

/* --------------------------------------------------------------------------------------- thread */

enum { STOPPED = 0, STARTING, RUNNING, STOPPING, GO /* does it: there is to be no thread */ };

/* Whoever has made it STARTING or STOPPING owns the rest. No lock: none may be held across a call
 * that takes locks of malloc's. */
static struct {
    _Atomic uint32_t state;
    pthread_t thread;
    uint64_t idle_ns;
} scavenger;

/* Makes the state `to` if it is `from`. */
static bool change(uint32_t from, uint32_t to) {
    return atomic_compare_exchange_strong(&scavenger.state, &from, to);
}

/* Sleeps; false where the thread is to end. */
static bool nap(uint64_t ns) {
    uint32_t state = scavenger.state;
    if (state != STOPPING) cmem__os_wait(&scavenger.state, state, ns);
    return scavenger.state != STOPPING;
}

/* Steps as the law says. Once nothing has happened for an idle limit it gives everything back, and
 * looks again but once an idle limit. */
static void *scavenge(void *arg) {
    uint64_t idle = scavenger.idle_ns, next = PACER_NEXT_MIN, quiet = 0, last = 0;
    (void)arg;
    (void)pthread_setname_np(pthread_self(), "cmem-scavenger");
    while (nap(next)) {
        uint64_t now = cmem__pages_activity();
        quiet = now != last ? 0 : quiet + next;
        last = now;
        next = cmem__scavenger_step(idle).next;
        if (quiet < idle) continue;
        (void)cmem__pages_scavenge(0);
        if (next < idle) next = idle;
    }
    return NULL;
}

int cmem__scavenger_start(uint64_t idle_ns) {
    if (idle_ns == 0) {
        errno = EINVAL;
        return -1;
    }
    int e = EALREADY;
    if (change(STOPPED, STARTING)) {
        scavenger.idle_ns = idle_ns;
        sigset_t all, old; /* signals are for the program's own threads */
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &old);
        e = pthread_create(&scavenger.thread, NULL, scavenge, NULL);
        pthread_sigmask(SIG_SETMASK, &old, NULL);
        scavenger.state = e == 0 ? RUNNING : STOPPED;
    }
    if (e == 0) return 0;
    errno = e;
    return -1;
}

void cmem__scavenger_stop(void) {
    int cancel;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel); /* pthread_join is a cancellation point */
    if (change(RUNNING, STOPPING)) {
        cmem__os_wake(&scavenger.state);
        (void)pthread_join(scavenger.thread, NULL);
        scavenger.state = STOPPED;
        cmem__os_wake(&scavenger.state);
    }
    while (scavenger.state == STOPPING) /* by another thread */
        cmem__os_wait(&scavenger.state, STOPPING, NO_TIMEOUT);
    (void)pthread_setcancelstate(cancel, &cancel);
}

void cmem__scavenger_is_go(void) {
    while (!change(STOPPED, GO)) cmem__scavenger_stop(); /* one that a constructor has started */
}

void cmem__scavenger_after_fork(void) { scavenger.state = STOPPED; }
