/* test_scavenger.c: how much stays resident while the heap is settled, by what faults have cost of late. The clocks are the test's. */
#include "pages.h"

#include "check.h"
#include "scavenger.h"
#include "span.h"

#include <sys/syscall.h>
#include <time.h>

static uint64_t wall_ns, cpu_ns; /* 0: the real ones */

int clock_gettime(clockid_t id, struct timespec *t) {
    uint64_t ns = id == CLOCK_PROCESS_CPUTIME_ID ? cpu_ns : id == CLOCK_MONOTONIC ? wall_ns : 0;
    if (ns == 0) return (int)syscall(SYS_clock_gettime, id, t);
    *t = (struct timespec){.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
    return 0;
}

/* A period in which the process has used so many percent of a CPU. Returns what is given back at its end, in pages. */
static size_t period(unsigned percent) {
    if (wall_ns == 0) wall_ns = cpu_ns = 1000000000;
    wall_ns += SETTLE_NS;
    cpu_ns += SETTLE_NS * percent / 100;
    return cmem__settle() / PAGE_SIZE;
}

/* Many periods, in each of which as many pages are faulted in. */
static void fault(unsigned periods, size_t npages, unsigned percent) {
    for (unsigned i = 0; i < periods; i++) {
        struct cmem__span *s = take(npages);
        (void)period(percent);
        give(s);
        (void)scavenge(0);
    }
}

/* For how many periods a peak of 32 MiB is kept whole that 64 MiB stay in use of: `least` to `most` of them. */
static void kept_whole(unsigned percent, unsigned least, unsigned most) {
    struct cmem__span *peak = take(32 * MIB / PAGE_SIZE);
    (void)period(percent);
    give(peak);
    unsigned n = 0;
    while (n < 1000 && period(percent) == 0) n++;
    cr_assert(n >= least && n <= most, "kept whole for %u periods, expected %u to %u", n, least, most);
}

/* Busy for other things, and nothing is faulted in: of a peak something goes at once. (Only a little, as nothing was free before.) */
Test(scavenger, cheap_faults) {
    struct cmem__span *a = take(64 * MIB / PAGE_SIZE);
    for (unsigned i = 0; i < 500; i++) (void)period(100);
    kept_whole(100, 0, 2);
    give(a);
    cmem__check(true);
}

/* A tenth of the time goes into faults: peaks are forgotten slowly, by a 128th a period, and 4 % of the 64 MiB in use stay on top. So
 * the peak is whole until 2.6 of its 32 MiB are forgotten, which takes some ten periods. */
Test(scavenger, dear_faults_leave_a_reserve) {
    struct cmem__span *a = take(64 * MIB / PAGE_SIZE);
    fault(500, 700, 100);
    kept_whole(100, 9, 13);
    give(a);
    cmem__check(true);
}

/* The reserve goes as it came. */
Test(scavenger, the_reserve_goes) {
    struct cmem__span *a = take(64 * MIB / PAGE_SIZE);
    fault(500, 700, 100);
    for (unsigned i = 0; i < 500; i++) (void)period(100);
    cr_assert_leq(hot_pages(), MIB / PAGE_SIZE);
    kept_whole(100, 0, 2);
    give(a);
}

/* The same faults in a process that is idle but for them are dear too; those that cost a tenth of what it does besides are not: it
 * has CPU time to spare. */
Test(scavenger, idle_processes_may_fault_more) {
    struct cmem__span *a = take(64 * MIB / PAGE_SIZE);
    fault(500, 700, 11);
    kept_whole(11, 9, 13);
    fault(500, 300, 50);
    kept_whole(50, 0, 2);
    give(a);
}
