/* test_transfer.c: free blocks of large classes on their way from one cache to another. */
#include "go_transfer.h"

#include "central.h"
#include "check.h"
#include "pageheap.h"
#include "sizeclass.h"
#include "span.h"
#include "transfer.h"

#include <criterion/criterion.h>
#include <sys/wait.h>

static struct cmem__entry e[80];

#define BLOCK (64 * KIB)

static unsigned fetch(size_t n) {
    unsigned c = class_of(BLOCK);
    cr_assert_eq(cmem__central_fetch(c, e, n, NULL), n);
    return c;
}

/* Lets the lists take more while so many blocks, or fewer, are in use, theirs among them. */
static void set_limit(size_t blocks) { atomic_store(&cmem__transfer_limit, blocks * BLOCK); }

Test(transfer, nothing_stays_without_a_limit) {
    unsigned c = fetch(8);
    cmem__central_give(c, e, 8);
    cr_assert_eq(cmem__transfer_bytes(), 0);
    cr_assert_eq(stats_now().heap_inuse, 0);
    cr_assert_eq(cmem__transfer_take(c, e, 8), 0);
    cmem__check(true);
}

Test(transfer, blocks_come_back_newest_first_and_count_as_free) {
    unsigned c = fetch(10);
    struct cmem__entry out[12];
    set_limit(10);
    cmem__central_give(c, e, 10);
    cmem__check(true);
    cr_assert_eq(cmem__transfer_bytes(), 10 * BLOCK);
    cr_assert_eq(stats_now().heap_inuse, 10 * BLOCK);
    cr_assert_eq(stats_now().central_free_bytes, 10 * BLOCK);
    cr_assert_eq(stats_now().transfer_bytes, 10 * BLOCK);
    cr_assert_eq(stats_now().live_bytes, 0);
    cr_assert_eq(cmem__transfer_take(c, out, 3), 3);
    for (unsigned i = 0; i < 3; i++) cr_assert_eq(out[i].block, e[7 + i].block);
    cr_assert_eq(cmem__transfer_take(c, out + 3, 9), 7);
    for (unsigned i = 0; i < 7; i++) cr_assert_eq(out[3 + i].block, e[i].block);
    cr_assert_eq(cmem__transfer_take(c, e, 1), 0);
    cr_assert_eq(cmem__transfer_bytes(), 0);
    cr_assert_eq(cmem__central_out(c), 10);
    cmem__check(false);
    set_limit(0);
    cmem__central_give(c, out, 10);
    cr_assert_eq(stats_now().heap_inuse, 0);
    cmem__check(true);
}

/* What a fetch finds there it takes; pages known to be zero are none of those. */
Test(transfer, a_fetch_looks_there_first) {
    unsigned c = fetch(2);
    bool zeroed = true;
    set_limit(10);
    uintptr_t block = e[1].block;
    memset((void *)block, 1, BLOCK);
    cmem__central_give(c, e, 2);
    cr_assert_eq(cmem__central_fetch(c, e, 1, &zeroed), 1);
    cr_assert_eq(e[0].block, block);
    cr_assert_not(zeroed);
    cr_assert_eq(cmem__central_fetch(c, e + 1, 3, NULL), 3, "the others come from the page heap");
    cr_assert_eq(cmem__transfer_bytes(), 0);
    cmem__central_give(c, e, 4);
    cmem_scavenge(0);
    cr_assert_eq(cmem__transfer_bytes(), 0);
    cr_assert_eq(stats_now().heap_inuse, 0);
    cmem__check(true);
}

/* Of several blocks the first, which a miss hands out, is the one that is said to be zero or not. */
Test(transfer, a_fetch_tells_whether_the_first_block_is_zero) {
    unsigned c = fetch(1);
    bool zeroed = true;
    set_limit(10);
    memset((void *)e[0].block, 1, BLOCK);
    cmem__central_give(c, e, 1);
    cr_assert_eq(cmem__central_fetch(c, e, 2, &zeroed), 2, "one from the list, and a new one");
    cr_assert_eq(*(unsigned char *)e[0].block, 1);
    cr_assert_not(zeroed);
    set_limit(0);
    memset((void *)e[0].block, 1, BLOCK);
    cmem__central_give(c, e, 1); /* to the page heap, which gives it out again */
    cr_assert_eq(cmem__central_fetch(c, e, 2, &zeroed), 2);
    cr_assert(!zeroed || *(unsigned char *)e[0].block == 0);
    cmem__check(false);
}

/* A trim gives back what has not been needed since the last one, the oldest first. */
Test(transfer, a_trim_gives_back_what_nobody_needed) {
    unsigned c = fetch(20);
    struct cmem__entry out[8];
    set_limit(100);
    cmem__central_give(c, e, 20);
    cmem__central_trim(false);
    cr_assert_eq(cmem__transfer_bytes(), 20 * BLOCK, "they have just come");
    cr_assert_eq(cmem__transfer_take(c, out, 8), 8);
    cmem__central_give(c, out, 8);
    cmem__central_trim(false);
    cr_assert_eq(cmem__transfer_bytes(), 8 * BLOCK);
    cr_assert_eq(stats_now().heap_inuse, 8 * BLOCK);
    cmem__central_trim(false);
    cr_assert_eq(cmem__transfer_bytes(), 0);
    cmem__check(true);
}

/* Also where that is as many as one call of the lists takes. */
Test(transfer, a_trim_of_many_leaves_what_was_needed) {
    unsigned c = fetch(TRANSFER_TRIM + 6);
    struct cmem__entry out[6];
    set_limit(100);
    cmem__central_give(c, e, TRANSFER_TRIM + 6);
    cmem__central_trim(false);
    cr_assert_eq(cmem__transfer_take(c, out, 6), 6);
    cmem__central_give(c, out, 6);
    cmem__central_trim(false);
    cr_assert_eq(cmem__transfer_bytes(), 6 * BLOCK);
    cmem__check(true);
}

/* They take more as long as what is in use, this included, is within the limit. */
Test(transfer, lists_take_what_is_within_the_limit) {
    unsigned c = fetch(8);
    set_limit(7);
    cmem__central_give(c, e, 1);
    cr_assert_eq(cmem__transfer_bytes(), 0);
    cmem__central_give(c, e + 1, 4);
    cr_assert_eq(cmem__transfer_bytes(), 4 * BLOCK);
    cmem__central_give(c, e + 5, 3);
    cr_assert_eq(cmem__transfer_bytes(), 7 * BLOCK);
    cmem__check(true);
}

Test(transfer, a_list_has_an_end) {
    static struct cmem__entry many[TRANSFER_BLOCKS + 10];
    size_t n = TRANSFER_BLOCKS + 10;
    cr_assert_eq(cmem__central_fetch(TRANSFER_FIRST, many, n, NULL), n);
    set_limit(1000);
    cmem__central_give(TRANSFER_FIRST, many, n);
    cr_assert_eq(cmem__transfer_blocks(TRANSFER_FIRST), TRANSFER_BLOCKS);
    cmem__check(true);
    cmem__central_trim(true);
    cr_assert_eq(cmem__transfer_bytes(), 0);
    cr_assert_eq(stats_now().heap_inuse, 0);
    cmem__check(true);
}

static size_t resident(void) {
    struct cmem_stats s = stats_now();
    return s.heap_sys - s.heap_released;
}

/* Whoever needs pages that are not resident gets those that lie in the lists. */
Test(transfer, the_lists_are_emptied_before_a_fault) {
    unsigned c = fetch(32);
    set_limit(32);
    cmem__central_give(c, e, 32);
    cmem_scavenge(UINT64_MAX); /* nothing is as old as that */
    size_t before = resident();
    cr_assert_eq(cmem__transfer_bytes(), 32 * BLOCK);
    struct cmem__span *s = cmem__central_span(16 * BLOCK / PAGE_SIZE, 1, SPAN_LARGE, class_of(16 * BLOCK));
    cr_assert_not_null(s);
    cr_assert_eq(cmem__transfer_bytes(), 0);
    cr_assert_eq(resident(), before, "%zu bytes are resident, %zu before", resident(), before);
    cmem__pages_free(s);
    cmem__check(true);
}

/* What lies in the lists is no part of what is in use at the most. */
Test(transfer, the_peak_is_without_the_lists) {
    unsigned c = fetch(40);
    (void)cmem__pages_use();
    set_limit(40);
    cmem__central_give(c, e, 8);
    set_limit(32);
    cmem__central_give(c, e + 8, 20); /* to the page heap */
    cmem__pages_set_transfer(cmem__transfer_bytes());
    (void)cmem__pages_use();
    cr_assert_eq(cmem__central_fetch(class_of(2 * BLOCK), e, 2, NULL), 2);
    size_t peak = cmem__pages_use().peak;
    cr_assert_eq(peak, (12 + 4) * BLOCK, "%zu bytes", peak);
    cmem__check(false);
}

/* From 2 KiB on, those of spans with several blocks too. */
Test(transfer, small_classes) {
    cr_assert_eq(class_size(TRANSFER_FIRST), 2 * KIB);
    set_limit(100);
    for (size_t size = KIB; size < 32 * KIB; size += KIB) {
        unsigned c = class_of(size);
        bool lists = c >= TRANSFER_FIRST;
        cr_assert_eq(cmem__central_fetch(c, e, 6, NULL), 6);
        cmem__central_give(c, e, 6);
        cmem__check(true);
        cr_assert_eq(cmem__transfer_bytes(), lists ? 6 * class_size(c) : 0);
        cr_assert_eq(stats_now().live_bytes, 0);
        cr_assert_eq(cmem__central_fetch(c, e, 8, NULL), 8);
        cr_assert_eq(cmem__transfer_bytes(), 0);
        cmem__central_give(c, e, 8);
        cmem__central_trim(true);
        cr_assert_eq(stats_now().heap_inuse, 0, "blocks of %zu bytes stayed", size);
        cmem__check(true);
    }
}

/* What Go moves by itself counts as all else does, and C finds it. */
Test(transfer, go_moves_blocks_by_itself) {
    unsigned c = fetch(12);
    struct cmem__entry out[12];
    set_limit(12);
    cr_assert_eq(go_send(c, e, 3), 0, "how many may lie there is for C to say");
    cmem__central_give(c, e, 8);
    cr_assert_eq(cmem__central_out(c), 4);
    cr_assert_eq(go_receive(c, out, 5), 5);
    for (unsigned i = 0; i < 5; i++) cr_assert_eq(out[i].block, e[3 + i].block);
    cr_assert_eq(cmem__central_out(c), 9);
    cr_assert_eq(cmem__transfer_bytes(), 3 * BLOCK);
    cr_assert_eq(stats_now().central_free_bytes, 3 * BLOCK);
    cr_assert_eq(go_send(c, e + 8, 4), 4);
    cr_assert_eq(go_send(c, out, 5), 1, "eight may");
    cr_assert_eq(cmem__central_out(c), 4);
    cmem__check(false);
    cmem__central_give(c, out + 1, 4);
    cr_assert_eq(cmem__central_out(c), 0);
    cr_assert_eq(stats_now().live_bytes, 0);
    cmem__check(true);
}

/* How many blocks may lie in a list Go learns from C: after a trim no more than do. */
Test(transfer, a_trim_takes_back_room) {
    unsigned c = fetch(10);
    struct cmem__entry out[10];
    set_limit(10);
    cmem__central_give(c, e, 10);
    cr_assert_eq(go_receive(c, out, 10), 10);
    cmem__central_trim(false);
    cr_assert_eq(go_send(c, out, 10), 0);
    cmem__central_give(c, out, 10);
    cr_assert_eq(cmem__transfer_bytes(), 10 * BLOCK);
    cmem__check(true);
}

static _Atomic bool left;

static void *leave_late(void *list) {
    usleep(50000);
    left = true;
    go_leave(list);
    return NULL;
}

/* Has another thread in the list of class c for a while. */
static pthread_t enter_for_a_while(unsigned c) {
    pthread_t t;
    cr_assert(go_enter(list_of(c)));
    cr_assert_not(go_enter(list_of(c)));
    cr_assert_eq(pthread_create(&t, NULL, leave_late, list_of(c)), 0);
    return t;
}

Test(transfer, c_waits_for_go) {
    unsigned c = fetch(4);
    set_limit(10);
    pthread_t t = enter_for_a_while(c);
    errno = 42;
    cmem__central_give(c, e, 4);
    cr_assert(left);
    cr_assert_eq(errno, 42);
    cr_assert_eq(pthread_join(t, NULL), 0);
    cr_assert_eq(cmem__transfer_bytes(), 4 * BLOCK);
    cmem__check(true);
}

static int status_of(pid_t pid) {
    int status;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    return status;
}

/* A child has no thread that could leave a list, or end what it was doing there. */
Test(transfer, nobody_is_in_a_list_when_a_process_forks) {
    unsigned c = fetch(4);
    set_limit(10);
    cmem__central_give(c, e, 4);
    pthread_t t = enter_for_a_while(c);
    pid_t pid = fork();
    if (pid == 0) _exit(left && go_receive(c, e, 4) == 4 ? 0 : 1);
    cr_assert_eq(status_of(pid), 0);
    cr_assert_eq(pthread_join(t, NULL), 0);
    cr_assert_eq(go_receive(c, e, 4), 4, "the parent's lists are free again");
}

Test(transfer, survives_a_fork) {
    unsigned c = fetch(4);
    set_limit(10);
    cmem__central_give(c, e, 4);
    pid_t pid = fork();
    if (pid == 0) {
        cmem__check(true);
        cmem_scavenge(0);
        _exit(stats_now().heap_inuse == 0 ? 0 : 1);
    }
    cr_assert_eq(status_of(pid), 0);
    cr_assert_eq(cmem__transfer_bytes(), 4 * BLOCK);
}
