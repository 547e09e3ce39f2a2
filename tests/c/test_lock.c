/* test_lock.c: a debug build aborts on a wrong order of locks, so that every test is one of lock order too. */
#include "helpers.h"

#include "cache.h"
#include "central.h"
#include "lock.h"
#include "meta.h"
#include "pageheap.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <signal.h>

static struct cmem__lock low = LOCK_INIT(1), high = LOCK_INIT(2), row[2] = {LOCK_INIT(5), LOCK_INIT(5)};

Test(lock, rising_ranks) {
    for (unsigned i = 0; i < 3; i++) {
        lock(&low);
        lock(&high);
        unlock(&high);
        lock(&high);
        unlock(&low); /* in any order */
        unlock(&high);
    }
}

Test(lock, one_rank_by_rising_address) {
    lock(&row[0]);
    lock(&row[1]);
    unlock(&row[1]);
    unlock(&row[0]);
}

Test(lock, all_at_once_as_a_fork_does) {
    for (unsigned i = 0; i < 2; i++) {
        cmem__central_lock();
        cmem__pages_lock();
        cmem__cache_lock();
        cmem__meta_lock();
        cmem__meta_unlock();
        cmem__cache_unlock();
        cmem__pages_unlock();
        cmem__central_unlock();
    }
    cmem_free(cmem_alloc(1));
}

Test(lock, falling_ranks_abort, .signal = SIGABRT, .init = cr_redirect_stderr) {
    lock(&high);
    lock(&low);
}

Test(lock, falling_addresses_abort, .signal = SIGABRT, .init = cr_redirect_stderr) {
    lock(&row[1]);
    lock(&row[0]);
}

Test(lock, the_same_twice_aborts, .signal = SIGABRT, .init = cr_redirect_stderr) {
    lock(&low);
    lock(&low);
}

Test(lock, release_of_what_is_not_held_aborts, .signal = SIGABRT, .init = cr_redirect_stderr) {
    lock(&low);
    unlock(&high);
}

Test(lock, the_library_under_a_later_lock_aborts, .signal = SIGABRT, .init = cr_redirect_stderr) {
    cmem__meta_lock();
    (void)!cmem_alloc(100000);
}
