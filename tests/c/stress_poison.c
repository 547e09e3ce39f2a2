/* stress_poison.c: AddressSanitizer and valgrind's memcheck see which bytes of the pool are a caller's: just those that
 * were asked for, as long as the block lives. Where neither runs there is nothing to tell. */
#include "stress.h"

#include "block.h"
#include "sizeclass.h"
#include "tool.h"

#include <sys/wait.h>
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#endif

extern int __asan_address_is_poisoned(const volatile void *p) __attribute__((weak));
extern int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static bool asan, memcheck;

/* The bits of the byte at p that memcheck takes for undefined; -1 where there is no access. */
static int undefined_bits(const volatile unsigned char *p) {
    unsigned char bits = 0xFF;
#if __has_include(<valgrind/memcheck.h>)
    unsigned answer = VALGRIND_GET_VBITS(p, &bits, 1);
    expect(answer == 1 || answer == 3);
    if (answer == 3) return -1;
#else
    (void)p;
#endif
    return bits;
}

static bool accessible(const volatile unsigned char *p) {
    return asan ? !__asan_address_is_poisoned(p) : undefined_bits(p) >= 0;
}

static bool defined(const unsigned char *p) { return undefined_bits(p) == 0; }

/* Bytes [from, to) of p, or of a large piece its ends and some between. */
static void expect_access(const unsigned char *p, size_t from, size_t to, bool want) {
    for (size_t i = from; i < to; i += i < from + 64 || i + 64 >= to || to - from < 4096 ? 1 : 61) {
        if (accessible(p + i) == want) continue;
        fprintf(stderr, "byte %zu of [%zu, %zu): accessible is not %d\n", i, from, to, want);
        expect(false);
    }
}

/* A live block of n bytes, as far as the tool knows. */
static void expect_live(const unsigned char *p, size_t n, size_t usable) {
    expect_access(p, 0, n, true);
    expect_access(p, n, usable, false);
}

/* The bytes of the live block p, which n were asked for: those of its class, or no more than whole pages. */
static size_t block_size(const void *p, size_t n) {
    size_t usable = cmem__usable((uintptr_t)p), pages = (n + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
    bool of_class = n <= CMEM_MAX_CLASS_SIZE && usable == class_size(class_of(n));
    expect(of_class || (n >= EXACT_MIN && usable == pages));
    return usable;
}

static void walk(size_t n) {
    size_t less = n / 2 + 1;
    void *keep = cmem_alloc(n); /* so that the span stays */
    unsigned char *p = cmem_alloc(n);
    size_t usable = block_size(p, n);
    expect_live(p, n, usable);
    expect(cmem_usable_size(p) == usable);
    expect_live(p, n, usable); /* to ask opens nothing */
    p = cmem_realloc(p, usable);
    expect_access(p, 0, usable, true);
    p = cmem_realloc(p, n);
    expect_live(p, n, usable);
    p = cmem_realloc(p, less);
    expect_live(p, less, cmem__usable((uintptr_t)p));
    p = cmem_realloc(p, n);
    usable = block_size(p, n);
    expect_live(p, n, usable);
    cmem_free(p);
    expect_access(p, 0, usable, false);

    p = cmem_calloc(1, n);
    usable = block_size(p, n);
    expect_live(p, n, usable);
    cmem_free(p);
    cmem_scavenge(0);
    expect_access(p, 0, usable, false); /* the same pages, past the cache */
    cmem_free(keep);

    void *batch[3];
    expect(cmem_alloc_batch(n, batch, 3) == 3);
    for (unsigned i = 0; i < 3; i++) expect_live(batch[i], n, block_size(batch[i], n));
    usable = block_size(batch[0], n);
    cmem_free_batch(batch, 3);
    if (stats_now().heap_sys > 64 * MIB) return; /* their region may be malloc's again */
    for (unsigned i = 0; i < 3; i++) expect_access(batch[i], 0, usable, false);
    p = cmem_aligned_alloc(64 * KIB, n);
    expect_live(p, n, cmem__usable((uintptr_t)p));
    cmem_free(p);
    expect_access(p, 0, n, false);
}

/* A realloc that cuts off a tail: it is free memory from then on, and soon somebody else's. Longer
 * than the first region, so that there is no other place for it. */
static void trim(void) {
    unsigned char *p = cmem_alloc(3 * MIB);
    p = cmem_realloc(p, 100000);
    expect_live(p, 100000, 3 * MIB);
    unsigned char *q = cmem_alloc(2 * MIB);
    expect(q > p && q < p + 3 * MIB);
    p = cmem_realloc(p, 99999);
    expect_live(q, 2 * MIB, 2 * MIB);
    cmem_free(p);
    cmem_free(q);
}

/* The same while others allocate: a tail that is somebody's already must stay accessible. */
static _Atomic bool trimmed_enough;

static void *trim_all_the_time(void *arg) {
    while (!trimmed_enough) {
        void *p = cmem_alloc(MIB);
        p = cmem_realloc(p, 64 * KIB);
        cmem_free_batch(&p, 1);
    }
    return arg;
}

static void trim_among_others(void) {
    pthread_t t;
    expect(pthread_create(&t, NULL, trim_all_the_time, NULL) == 0);
    for (unsigned i = 0; i < 20000; i++) {
        void *p = cmem_alloc(900 * KIB);
        expect_access(p, 0, 1, true);
        expect_access(p, 800 * KIB, 800 * KIB + 1, true);
        cmem_free_batch(&p, 1);
    }
    trimmed_enough = true;
    pthread_join(t, NULL);
}

/* Regions that went back to malloc are malloc's: nothing of ours is left on them. */
static void regions(void) {
    for (unsigned i = 0; i < 10; i++) {
        unsigned char *p = cmem_alloc(40 * MIB);
        cmem_free(p);
        cmem_scavenge(0);
        unsigned char *q = malloc(40 * MIB);
        expect_access(q, 0, 40 * MIB, true);
        free(q);
    }
}

/* What memcheck knows of the contents. */
static void contents(void) {
    unsigned char *p = cmem_alloc(1000);
    expect(!defined(p) && !defined(p + 999));
    memset(p, 1, 500);
    expect(cmem_usable_size(p) >= 1000 && defined(p + 499) && !defined(p + 500));
    p = cmem_realloc(p, 50000);
    expect(defined(p) && defined(p + 499) && !defined(p + 500) && !defined(p + 49999));
    cmem_free(p);
    p = cmem_calloc(1, 1000);
    expect(defined(p) && defined(p + 999));
    cmem_free(p);
    p = cmem_calloc(1, 40 * MIB);
    expect(defined(p) && defined(p + 40 * MIB - 1));
    cmem_free(p);
    p = cmem_alloc(1000);
    expect(!defined(p)); /* reused memory is nobody's contents */
    cmem_free(p);
}

/* Reads p[i] in a child, which ASan must end with a report. */
static void expect_report(const volatile unsigned char *p, size_t i) {
    char text[4096];
    size_t n = 0;
    ssize_t k;
    int to[2], status;
    expect(pipe(to) == 0);
    pid_t pid = fork();
    expect(pid >= 0);
    if (pid == 0) {
        dup2(to[1], STDERR_FILENO);
        (void)p[i];
        _exit(0);
    }
    close(to[1]);
    while (n < sizeof text - 1 && (k = read(to[0], text + n, sizeof text - 1 - n)) > 0) n += (size_t)k;
    text[n] = '\0';
    while (read(to[0], (char[512]){0}, 512) > 0) continue;
    close(to[0]);
    expect(waitpid(pid, &status, 0) == pid && status != 0);
    expect(strstr(text, "AddressSanitizer: use-after-poison") != NULL);
}

static void reports(void) {
    static const size_t sizes[] = {1, 100, 5000, 100000, 3 * MIB, 20 * MIB + 1};
    for (size_t i = 0; i < LEN(sizes); i++) {
        void *keep = cmem_alloc(sizes[i]);
        unsigned char *p = cmem_alloc(sizes[i]);
        expect_report(p, sizes[i]); /* one byte past those that were asked for */
        cmem_free(p);
        expect_report(p, 0);
        expect_report(p, sizes[i] - 1);
        cmem_free(keep);
    }
}

/* LeakSanitizer finds what only blocks of ours point to, and does not take our regions for leaks. */
static void leaks(void) {
    static const size_t sizes[] = {16, 1000, 100000, 20 * MIB};
    void **p[LEN(sizes)];
    for (size_t i = 0; i < LEN(sizes); i++) {
        p[i] = cmem_calloc(1, sizes[i]);
        *p[i] = malloc(100);
    }
    expect(__lsan_do_recoverable_leak_check() == 0);
    for (size_t i = 0; i < LEN(sizes); i++) {
        free(*p[i]);
        cmem_free(p[i]);
    }
    cmem_scavenge(0);
    expect(__lsan_do_recoverable_leak_check() == 0);
}

int main(void) {
    static struct budget budget;
    asan = cmem__tool_find() == TOOL_ASAN;
    memcheck = cmem__tool_find() == TOOL_MEMCHECK;
    if (!asan && !memcheck) {
        puts("stress_poison: neither AddressSanitizer nor memcheck here");
        return 0;
    }
    uint64_t seed = test_seed("stress_poison");
    cmem_free(cmem_alloc(1)); /* the first region stays */
    if (asan) reports();
    if (asan) leaks();
    if (memcheck) contents();
    trim();
    trim_among_others();
    regions();
    static const size_t sizes[] = {1,        15,       16,     17,  100,      128,     4096,
                                   30 * KIB, 32 * KIB, 100000, MIB, 16 * MIB, 20 * MIB};
    for (size_t i = 0; i < LEN(sizes); i++) walk(sizes[i]);
    budget_start(&budget);
    do walk(pick_log(&seed, 1, MIB));
    while (budget_left(&budget, 20));
    cmem_scavenge(0);
    expect(stats_now().live_blocks == 0);
#if CMEM_DEBUG
    (void)check_heap();
#endif
    if (asan) leaks();
    return 0;
}
