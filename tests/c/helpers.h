/* helpers.h: what the suites, the misuse programs, the stress programs and the benchmarks share. */
#ifndef CMEM_TESTS_HELPERS_H
#define CMEM_TESTS_HELPERS_H

#define _GNU_SOURCE

#include "base.h"
#include "check.h"
#include "cmem.h"
#include "os.h"
#include "pagemap.h"
#include "span.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define LEN(a) (sizeof(a) / sizeof(a)[0])

/* Ends the program with status 1 and a line that says why. The suites have Criterion's asserts instead. */
#define expect(cond) ((cond) ? (void)0 : expect_failed(__FILE__, __LINE__, #cond))
static inline void expect_failed(const char *file, int line, const char *what) {
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
    _exit(1);
}

/* ---------------------------------------------------------------------------------------- random numbers */

/* splitmix64: every seed is a good one. */
static inline uint64_t rnd(uint64_t *state) {
    uint64_t x = *state += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

/* One of 0 .. n-1. */
static inline size_t pick(uint64_t *state, size_t n) { return (size_t)(rnd(state) % n); }

/* One of lo .. hi whose logarithm is spread evenly. */
static inline size_t pick_log(uint64_t *state, size_t lo, size_t hi) {
    unsigned bits = 0;
    while (bits < 63 && hi >> (bits + 1) >= lo) bits++;
    size_t base = lo << pick(state, bits + 1);
    size_t n = base + pick(state, base);
    return n > hi ? hi : n;
}

static inline uint64_t env_number(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text != NULL && *text != '\0' ? strtoull(text, NULL, 0) : otherwise;
}

/* The seed from CMEM_SEED, or a new one; printed, so that a failure can be run again. */
static inline uint64_t test_seed(const char *name) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    uint64_t fresh = ((uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec) ^ ((uint64_t)getpid() << 40);
    uint64_t seed = env_number("CMEM_SEED", fresh);
    printf("%s: CMEM_SEED=%" PRIu64 "\n", name, seed);
    fflush(stdout);
    return seed;
}

/* ------------------------------------------------------------------------------------- contents of blocks */

/* Calls visit for the places in n bytes that are worth a stamp: all of a small block; of a larger one both ends and
 * a word in every page, so that no page can be lost or exchanged unnoticed. */
#define EDGE ((size_t)256)
static inline void stamp_bytes(unsigned char *p, size_t from, size_t to, uint64_t key) {
    for (size_t i = from; i < to; i++) p[i] = (unsigned char)(key + i * 131);
}
static inline bool stamped_bytes(const unsigned char *p, size_t from, size_t to, uint64_t key) {
    for (size_t i = from; i < to; i++) {
        if (p[i] != (unsigned char)(key + i * 131)) return false;
    }
    return true;
}

/* Marks the block p of n bytes as key's. */
static inline void stamp(void *p, size_t n, uint64_t key) {
    if (n <= 8 * EDGE) {
        stamp_bytes(p, 0, n, key);
        return;
    }
    stamp_bytes(p, 0, EDGE, key);
    for (size_t at = PAGE_SIZE; at + 8 <= n; at += PAGE_SIZE) stamp_bytes(p, at, at + 8, key);
    stamp_bytes(p, n - EDGE, n, key);
}

/* Whether the first n of the `had` bytes that were stamped as key's still are. */
static inline bool stamped(const void *p, size_t n, size_t had, uint64_t key) {
    if (had <= 8 * EDGE) return stamped_bytes(p, 0, n, key);
    if (!stamped_bytes(p, 0, n < EDGE ? n : EDGE, key)) return false;
    for (size_t at = PAGE_SIZE; at + 8 <= n; at += PAGE_SIZE) {
        if (!stamped_bytes(p, at, at + 8, key)) return false;
    }
    return n < had || stamped_bytes(p, n - EDGE, n, key);
}

/* ---------------------------------------------------------------------------------------- state of the heap */

static inline struct cmem_stats stats_now(void) {
    struct cmem_stats s = {.struct_size = sizeof s};
    cmem_stats(&s);
    return s;
}

#if CMEM_DEBUG
/* At rest: every structure is whole and the sums that cmem.h promises hold. */
static inline struct cmem_stats check_heap(void) {
    cmem__check(true);
    struct cmem_stats s = stats_now();
    expect(s.heap_sys == s.heap_inuse + s.heap_idle);
    expect(s.heap_inuse == s.live_bytes + s.magazine_bytes + s.thread_cache_bytes + s.central_free_bytes);
    expect(s.heap_released <= s.heap_idle);
    expect(s.frees <= s.mallocs && s.mallocs - s.frees == s.live_blocks);
    return s;
}
#endif

/* ------------------------------------------------------------------------------------- state of the process */

/* Resident bytes of the process. */
static inline size_t rss_bytes(void) {
    char text[128] = "";
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    expect(fd >= 0 && read(fd, text, sizeof text - 1) > 0);
    close(fd);
    return strtoul(strchr(text, ' '), NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

/* Resident pages among the n whole pages at p. */
static inline size_t resident_pages(const void *p, size_t n) {
    size_t resident = 0;
    unsigned char in[256];
    for (size_t done = 0; done < n;) {
        size_t k = n - done < sizeof in ? n - done : sizeof in;
        expect(mincore((char *)(uintptr_t)p + done * PAGE_SIZE, k * PAGE_SIZE, in) == 0);
        for (size_t i = 0; i < k; i++) resident += in[i] & 1;
        done += k;
    }
    return resident;
}

/* Whether the page at p is mapped at all. */
static inline bool is_mapped(uintptr_t p) {
    unsigned char in;
    return mincore((void *)(p & ~(PAGE_SIZE - 1)), PAGE_SIZE, &in) == 0;
}

/* Whether the kernel moves pages: Linux from 5.7 on does, valgrind does not. */
static inline bool kernel_moves_pages(void) {
    size_t piece = 128 * KIB;
    char *p = mmap(NULL, 2 * piece, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    expect(p != MAP_FAILED);
    *p = 1;
    bool moves = cmem__os_move((uintptr_t)p, (uintptr_t)p + piece, piece) == MOVED;
    if (moves) expect(p[0] == 0 && p[piece] == 1);
    munmap(p, 2 * piece);
    return moves;
}

/* Misuse programs: says which pointer comes next, for the expected message. */
static inline void *announce(void *p) {
    printf("%#zx\n", (size_t)p);
    fflush(stdout);
    return p;
}

/* Makes the live block p one of a Go handle, as Go does. */
static inline void *own(void *p) {
    struct cmem__span *s = pagemap_span((uintptr_t)p);
    tag_set(s->kind == SPAN_SMALL ? &s->tags[small_tag(s, (uintptr_t)p)] : pagemap_tag((uintptr_t)p),
            TAG_OWNED);
    return p;
}

#endif /* CMEM_TESTS_HELPERS_H */
