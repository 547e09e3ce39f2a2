/* test_cancel.c: a thread that is cancelled while it waits for another one in the library goes on
 * until it reaches a cancellation point of its own. */
#include "pages.h"

#include "central.h"
#include "span.h"
#include "transfer.h"

#include <signal.h>

enum { HUGE = 40 << 20 };

static pthread_t waiter;

/* What the thread did before it was cancelled. */
static _Atomic int begun, done;

static void *allocate(void *arg) {
    (void)arg;
    begun = 1;
    void *p = cmem_alloc(HUGE);
    done = p != NULL;
    cmem_free(p);
    pthread_testcancel();
    return NULL;
}

static void start(void *(*f)(void *)) {
    cr_assert_eq(pthread_create(&waiter, NULL, f, NULL), 0);
    while (!begun) usleep(1000);
    usleep(50000); /* it waits by now, or the test proves less */
    cr_assert_eq(pthread_cancel(waiter), 0);
    usleep(50000);
    cr_assert_not(done);
}

static void expect_cancelled_after(void) {
    void *result;
    cr_assert_eq(pthread_join(waiter, &result), 0);
    cr_assert_eq(result, PTHREAD_CANCELED);
    cr_assert(done, "the call was a cancellation point");
    check_heap();
}

static void in_region(void) {
    os.in_region = NULL;
    start(allocate);
}

Test(cancel, while_another_thread_adds_a_region) {
    alarm(60);
    os.in_region = in_region;
    cmem_free(cmem_alloc(HUGE));
    expect_cancelled_after();
}

static void *give_and_take(void *arg) {
    struct cmem__entry e;
    (void)arg;
    begun = 1;
    done = cmem__transfer_take(TRANSFER_FIRST, &e, 1) == 1;
    cmem__central_give(TRANSFER_FIRST, &e, 1);
    pthread_testcancel();
    return NULL;
}

Test(cancel, while_somebody_is_in_a_transfer_list) {
    struct cmem__entry e;
    struct cmem__transfer *t = &cmem__transfer[0];
    alarm(60);
    cmem__transfer_limit = MIB;
    cr_assert_eq(cmem__central_fetch(TRANSFER_FIRST, &e, 1, NULL), 1);
    cmem__central_give(TRANSFER_FIRST, &e, 1);
    cr_assert_eq(t->n, 1);
    t->taken = 1; /* as Go does */
    start(give_and_take);
    t->taken = 0;
    expect_cancelled_after();
}
