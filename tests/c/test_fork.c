/* test_fork.c: a child of fork has a heap that is whole, whatever other threads of the parent were doing. */
#include "pages.h"

#include "check.h"
#include "pagemap.h"
#include "span.h"

#include <signal.h>
#include <sys/wait.h>

/* Waits for the child pid; -1 unless it ended of its own accord. */
static int status_of(pid_t pid) {
    int status;
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* What a child does: other threads' caches came along in the middle of things, the rest is whole. */
static void use_the_heap_in_child(void) {
    static const size_t sizes[] = {1, 100, 5000, 40000, MIB, 17 * MIB};
    void *p[LEN(sizes)];
    alarm(60); /* a lock that nobody will release */
    cmem__check(false);
    for (size_t i = 0; i < LEN(sizes); i++) {
        p[i] = cmem_alloc(sizes[i]);
        expect(p[i] != NULL);
        stamp(p[i], sizes[i], i);
    }
    for (size_t i = 0; i < LEN(sizes); i++) {
        expect(stamped(p[i], sizes[i], sizes[i], i));
        cmem_free(p[i]);
    }
    cmem_scavenge(0);
    (void)stats_now();
    cmem__check(false);
}

Test(fork, child_has_the_parents_blocks) {
    char *p = cmem_alloc(100), *q = cmem_alloc(20 * MIB);
    stamp(p, 100, 1);
    stamp(q, 20 * MIB, 2);
    pid_t pid = fork();
    if (pid == 0) {
        expect(stamped(p, 100, 100, 1) && stamped(q, 20 * MIB, 20 * MIB, 2));
        cmem_free(p);
        cmem_free(q);
        use_the_heap_in_child();
        expect(check_heap().live_blocks == 0);
        _exit(0);
    }
    cr_assert_eq(status_of(pid), 0);
    cr_assert(stamped(p, 100, 100, 1) && stamped(q, 20 * MIB, 20 * MIB, 2),
              "the child's heap is the parent's");
    cmem_free(p);
    cmem_free(q);
    check_heap();
}

/* ------------------------------------------------------------------------------------- caches of other threads */

static _Atomic int cached, ending;

static void *cache_blocks(void *arg) {
    (void)arg;
    void *p[] = {cmem_alloc(100), cmem_alloc(MIB)};
    for (size_t i = 0; i < LEN(p); i++) cmem_free(p[i]);
    cached = 1;
    while (!ending) usleep(1000);
    return NULL;
}

/* What threads that a child does not have kept in their caches is not lost to it. */
Test(fork, caches_of_threads_that_are_gone) {
    pthread_t t;
    cr_assert_eq(pthread_create(&t, NULL, cache_blocks, NULL), 0);
    while (!cached) usleep(1000);
    pid_t pid = fork();
    if (pid == 0) {
        expect(check_heap().thread_cache_bytes > MIB);
        cmem_scavenge(0);
        expect(check_heap().heap_inuse == 0);
        use_the_heap_in_child();
        _exit(0);
    }
    cr_assert_eq(status_of(pid), 0);
    ending = 1;
    pthread_join(t, NULL);
}

/* ------------------------------------------------------------------------------------- while others use the heap */

static _Atomic bool stop;

static void *use_the_heap(void *arg) {
    uint64_t seed = (uintptr_t)arg;
    void *p[50] = {NULL};
    while (!stop) {
        size_t i = pick(&seed, LEN(p));
        cmem_free(p[i]);
        p[i] = cmem_alloc(pick_log(&seed, 1, 2 * MIB));
        if (pick(&seed, 100) == 0) cmem_scavenge(pick(&seed, 2));
    }
    for (size_t i = 0; i < LEN(p); i++) cmem_free(p[i]);
    return NULL;
}

Test(fork, while_others_allocate) {
    pthread_t t[4];
    for (uintptr_t i = 0; i < LEN(t); i++)
        cr_assert_eq(pthread_create(&t[i], NULL, use_the_heap, (void *)i), 0);
    for (unsigned i = 0; i < 100; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            use_the_heap_in_child();
            _exit(0);
        }
        cr_assert_eq(status_of(pid), 0, "child %u", i);
    }
    stop = true;
    for (unsigned i = 0; i < LEN(t); i++) pthread_join(t[i], NULL);
    check_heap();
}

/* ------------------------------------------------------------------------- in the middle of giving pages back */

static int child_status = -1;
static void *neighbour[2];

/* Another thread of the parent is at madvise. Its span's neighbours were freed meanwhile. */
static void fork_in_release(uintptr_t base, size_t bytes) {
    (void)base;
    os.in_release = NULL;
    cmem_free_batch(neighbour, 2);
    pid_t pid = fork();
    if (pid == 0) {
        cmem__check(true);
        struct cmem_stats s = stats_now();
        expect(s.heap_idle - s.heap_released >= bytes); /* may be resident, and is not lost */
        expect(s.heap_idle - s.heap_released == cmem_scavenge(0));
        use_the_heap_in_child();
        _exit(0);
    }
    child_status = status_of(pid);
}

Test(fork, while_pages_are_on_their_way_to_the_system) {
    void *mid;
    cr_assert_not_null(neighbour[0] = cmem_alloc(64 * KIB));
    cr_assert_not_null(mid = cmem_alloc(64 * KIB));
    cr_assert_not_null(neighbour[1] = cmem_alloc(64 * KIB));
    cmem_free_batch(&mid, 1);
    pagemap_span((uintptr_t)mid)->unused_since = 0;
    os.in_release = fork_in_release;
    cr_assert_gt(cmem_scavenge(1), 0);
    cr_assert_eq(child_status, 0);
    check_heap();
}

/* Another thread of the parent is at mremap. A neighbour of the place that the pages come from was freed meanwhile. */
static void fork_in_move(uintptr_t from, uintptr_t to, size_t bytes) {
    os.in_move = NULL;
    span_free(span_at(from - 1));
    pid_t pid = fork();
    if (pid == 0) {
        struct cmem__span *s = span_at(from);
        cmem__check(true);
        expect(s->kind == SPAN_RESIDENT && s->base < from && end_of(s) >= from + bytes);
        expect(span_at(to)->kind == SPAN_LARGE); /* the other thread's, which is not here */
        expect(free_resident_pages() == s->npages && scavenge(0) == s->npages);
        use_the_heap_in_child();
        _exit(0);
    }
    child_status = status_of(pid);
}

Test(fork, while_pages_are_moved) {
    if (!kernel_moves_pages()) cr_skip_test("this kernel does not move pages");
    span_alloc(FIRST_PAGES);
    os.region_align = MIB;
    draw("........xrrrrrrrx", 32);
    os.in_move = fork_in_move;
    span_alloc(256);
    cr_assert_eq(child_status, 0);
    cmem__check(true);
}

/* ---------------------------------------------------------------------------------------- other atfork handlers */

static bool grows;
static void *large;

/* Does not fit in what the heap has. */
static void grow_in_handler(void) {
    if (!grows) return;
    void *p = cmem_alloc(50 * MIB);
    expect(p != NULL);
    cmem_free(large);
    large = p;
}

/* Before the library registers its own: so they run while it holds its locks. */
__attribute__((constructor(101))) static void register_handlers(void) {
    expect(pthread_atfork(grow_in_handler, grow_in_handler, grow_in_handler) == 0);
}

static void fork_in_region(void) {
    os.in_region = NULL;
    pid_t pid = fork();
    if (pid == 0) {
        use_the_heap_in_child();
        _exit(0);
    }
    child_status = status_of(pid);
}

/* Also while a region is being added, for which handlers in other threads would wait. */
Test(fork, handlers_grow_the_heap) {
    alarm(60);
    grows = true;
    void *p = cmem_alloc(100);
    fork_in_region();
    cr_assert_eq(child_status, 0);
    os.in_region = fork_in_region;
    void *q = cmem_alloc(70 * MIB);
    cr_assert_eq(child_status, 0);
    cmem_free(p);
    cmem_free(q);
    cmem_free(large);
    check_heap();
}
