//go:build linux && (amd64 || arm64 || riscv64)

/* scavenger.c: how hard to look for idle memory, and the thread that does, for programs without Go, where a timer
 * does it. */
#include "cache.h"
#include "central.h"
#include "os.h"
#include "pageheap.h"
#include "release.h"
#include "scavenger.h"
#include "thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#define PERIOD_MIN_NS ((uint64_t)10000000)
#define PERIOD_MAX_NS ((uint64_t)1000000000)

/* ------------------------------------------------------------------------------------------------ by age */

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

static uint64_t clamp(uint64_t n, uint64_t lo, uint64_t hi) { return n < lo ? lo : n > hi ? hi : n; }

/* ------------------------------------------------------------------------------------------------- settling
 *
 * What is free stays resident as far as it was in use of late (see cmem__pages_settle); how late is a matter of price: to
 * fault a page in and give it back again takes 3 us of CPU time, to move one 0.1 to 0.3 us. The heap counts both, and the
 * patience with which peaks are remembered follows what they cost: it shrinks as long as that is within a share of the CPU
 * time that the process uses, and grows beyond, or where what is free is little anyway. The share is larger where the process does not keep even one CPU busy, as
 * Go's collector has workers for idle time: one thread that computes all the time is not to wait for faults because there
 * are other CPUs. docs/footprint.md has the measurements. */

#define FAULT_NS 3000
/* 300, as where pieces lie in many mappings, keeps 1 % more in the recycling load, for no less CPU time. */
#define MOVE_NS 100

/* Percent of the CPU time that the process uses for other things: where it uses a CPU or more, and what is added where it uses
 * none, by the square of what it leaves of one CPU, up to a bound. (A share of all its time would grow with the faults.) */
#define SHARE_BUSY 3
#define SHARE_IDLE 600
#define SHARE_MOST 115

/* Percent of what is in use that may be free and resident beside it: less is not looked for. (Of 20 live buffers of 5 to 10 MB, one is
 * free each time another one is allocated; to get from 9 % to 6 % free costs twice the faults.) */
#define NEAR_ENOUGH 9

/* Of patience: from a quarter of the last 20 ms' peak to 2.5 s. */
#define PATIENCE_LEAST (PATIENCE_CALL / 4)
#define PATIENCE_START (PATIENCE_CALL * 8)
#define PATIENCE_MOST ((uint64_t)PATIENCE_CALL * 128)

/* Where peaks are remembered that long and the faults are too dear still, it is because what is free lies where nothing of the right
 * length fits. A little more of it helps much then: up to so many thousandths of what is in use. (The log-normal load of
 * docs/footprint.md takes half of the faults with 40, for 1.235 times the live bytes instead of 1.215.) */
#define RESERVE_MOST 40

/* Sums that forget: what was SETTLE_NS ago counts 15/16. */
struct pace {
    uint64_t wall, cpu, faults; /* ns */
};

static uint64_t decayed(uint64_t sum, uint64_t add) { return sum - sum / 16 + add; }

/* Whether the faults of late cost more than they may. */
static bool too_dear(void) {
    static struct pace last, sum;
    struct pace now = {cmem__os_precise_now(), cmem__os_cpu_time(),
                       cmem__pages_faulted() * FAULT_NS + cmem__pages_moved() * MOVE_NS};
    if (last.wall != 0 && now.cpu >= last.cpu) { /* a child of fork begins anew with its CPU time */
        sum.wall = decayed(sum.wall, now.wall - last.wall);
        sum.cpu = decayed(sum.cpu, now.cpu - last.cpu);
        sum.faults = decayed(sum.faults, now.faults - last.faults);
    }
    last = now;
    uint64_t unused = sum.wall > sum.cpu ? sum.wall - sum.cpu : 0;
    uint64_t idle = sum.wall > 0 ? unused * 100 / sum.wall : 0; /* percent */
    uint64_t share = SHARE_BUSY + SHARE_IDLE * idle * idle / 10000;
    uint64_t others = sum.cpu > sum.faults ? sum.cpu - sum.faults : 0;
    return sum.faults > others * (share < SHARE_MOST ? share : SHARE_MOST) / 100;
}

/* Whether so little is free and resident, beside so many bytes in use, that it is not worth more faults. */
static bool near_enough(size_t inuse) {
    static uint64_t hot_sum, inuse_sum;
    hot_sum = decayed(hot_sum, cmem__pages_hot());
    inuse_sum = decayed(inuse_sum, inuse);
    return hot_sum * 100 < inuse_sum * NEAR_ENOUGH;
}

size_t cmem__settle(void) {
    static unsigned patience = PATIENCE_START, reserve = 0;
    cmem__central_trim(false);
    size_t inuse = cmem__pages_inuse();
    bool dear = too_dear(), near = near_enough(inuse); /* both look at what happened since the last call */
    if (dear && patience == PATIENCE_MOST && reserve < RESERVE_MOST)
        reserve++;
    else if (!dear && reserve > 0)
        reserve--;
    if (dear || near)
        patience += patience / 16 + 1;
    else
        patience -= patience / 16 + 1;
    patience = (unsigned)clamp(patience, PATIENCE_LEAST, PATIENCE_MOST);
    size_t bytes = cmem__pages_settle(patience, reserve);
    cmem__cache_budget(inuse);
    return bytes;
}

/* --------------------------------------------------------------------------------------------------- thread */

enum { STOPPED = 0, STARTING, RUNNING, STOPPING, GO /* does it: there is to be no thread */ };

/* Whoever has made it STARTING or STOPPING owns the rest. No lock: none may be held across a call that takes locks of malloc's. */
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

/* Settles the heap while it is used, releases by age eight times an idle limit, and once nothing has happened for one
 * looks again but once an idle limit. */
static void *scavenge(void *arg) {
    uint64_t idle = scavenger.idle_ns, by_age = clamp(idle / 8, PERIOD_MIN_NS, PERIOD_MAX_NS);
    uint64_t period = by_age, aged = 0, quiet = 0, last = 0;
    (void)arg;
    (void)pthread_setname_np(pthread_self(), "cmem-scavenger");
    while (nap(period)) {
        uint64_t now = cmem__pages_activity();
        quiet = now != last ? 0 : quiet + period;
        last = now;
        if ((aged += period) >= by_age) {
            aged = 0;
            (void)cmem__scavenge(idle);
        }
        bool settled = cmem__settle() == 0;
        period = quiet <= idle || idle < by_age ? by_age : idle;
        if ((quiet == 0 || !settled) && period > SETTLE_NS) period = SETTLE_NS;
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
