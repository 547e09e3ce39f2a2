//go:build linux && (amd64 || arm64 || riscv64)

/* os.c: the operating system and the malloc below us. The only file that makes system calls for
 * memory. */
#include "base.h"
#include "os.h"
#include "tool.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Of linux/membarrier.h and linux/futex.h, which a C library does not bring along. */
enum {
    MEMBARRIER_PRIVATE_EXPEDITED = 1 << 3,
    MEMBARRIER_REGISTER_PRIVATE_EXPEDITED = 1 << 4,
    FUTEX_WAIT_PRIVATELY = 128,
    FUTEX_WAKE_PRIVATELY = 129,
};

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

#ifndef MREMAP_DONTUNMAP /* Linux 5.7 */
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MAP_FIXED_NOREPLACE /* Linux 4.17 */
#define MAP_FIXED_NOREPLACE 0x100000
#endif

/* Names a mapping in /proc/self/smaps where the kernel has CONFIG_ANON_VMA_NAME; elsewhere it
 * fails, to no harm. */
static void name_pages(void *p, size_t bytes, const char *name) {
    int saved = errno;
    (void)prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, (unsigned long)p, bytes, (unsigned long)name);
    errno = saved;
}

size_t cmem__os_page_size(void) {
    static _Atomic size_t size;
    size_t s = atomic_load_explicit(&size, memory_order_relaxed);
    if (unlikely(s == 0)) {
        s = (size_t)sysconf(_SC_PAGESIZE);
        if (s < PAGE_SIZE) s = PAGE_SIZE;
        atomic_store_explicit(&size, s, memory_order_relaxed);
    }
    return s;
}

/* The size of a huge page; one of another size fails at the other places. */
#define HUGE_PAGE ((uintptr_t)2 << 20)

/* Whether one page at `at`, a place of ours that holds nothing, reads as zero once it was given
 * back. */
static bool zeroes(uintptr_t at) {
    volatile unsigned char *p = (volatile unsigned char *)at;
    *p = 1;
    return cmem__os_release(at, cmem__os_page_size()) && *p == 0;
}

/* Whether [base, base + bytes) zeroes pages that are given back, as private anonymous memory does.
 * Shared memory keeps what it held. So does a huge page of which a part goes: the kernel refuses at
 * other places, but not where a huge page begins. Some emulators do nothing. */
static bool releases(uintptr_t base, size_t bytes) {
    uintptr_t huge = (base + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1), last = base + bytes - cmem__os_page_size();
    return zeroes(base) && (huge >= last || zeroes(huge)) && zeroes(last) && cmem__os_release(base, bytes);
}

void *cmem__os_region_new(size_t bytes, bool *releasing, bool *movable) {
    (void)cmem__tool_find();
    void *p = bytes <= cmem__malloc_max() ? aligned_alloc(REGION_ALIGN, bytes) : NULL;
    if (p == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    int saved = errno;
    name_pages(p, bytes, "cmem: region");
    *releasing = releases((uintptr_t)p, bytes);
    /* There is nothing left to free: the kernel tells whether all of it is private and anonymous
     * (EINVAL: it is not). */
    *movable = *releasing && madvise(p, bytes, MADV_FREE) == 0;
    cmem__not_a_leak(p); /* only the metadata pages know it, which LeakSanitizer does not scan */
    poison(p, bytes);
    errno = saved;
    return p;
}

void cmem__os_region_delete(void *p, size_t bytes) {
    int saved = errno;
    unpoison(p, bytes);
    cmem__may_leak(p);
    free(p);
    errno = saved;
}

bool cmem__os_release(uintptr_t base, size_t bytes) {
    int saved = errno;
    bool ok = madvise((void *)base, bytes, MADV_DONTNEED) == 0; /* EINVAL: the pages are locked */
    errno = saved;
    return ok;
}

bool cmem__os_any_resident(uintptr_t base, size_t bytes) {
    unsigned char in[LOOK_PAGES];
    size_t page = cmem__os_page_size(), n = bytes / page;
    int saved = errno;
    bool ok = mincore((void *)base, bytes, in) == 0; /* ENOMEM: it was unmapped meanwhile */
    errno = saved;
    for (size_t i = 0; ok && i < n; i++)
        if (in[i] & 1) return true;
    return false;
}

void cmem__os_small_pages(uintptr_t base, size_t bytes) {
    int saved = errno;
    (void)madvise((void *)base, bytes, MADV_NOHUGEPAGE); /* EINVAL: this kernel has no huge pages */
    errno = saved;
}

#define MOVE_FLAGS (MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)

/* What the kernel moves by one call. */
enum moves {
    MOVES_UNKNOWN,
    MOVES_NOTHING,
    MOVES_ONE_MAPPING,
    /* As earlier moves make them: Linux from 6.17 on; older kernels unmap the new place and then
     * refuse. */
    MOVES_SEVERAL,
};

/* Where in a page try_moves keeps a byte: the kernel writes the time in front of it. */
#define MARK 64

/* Whether the page p, which was moved from, is as a fresh one. An emulator may leave one that
 * cannot be written: so the kernel writes, as it fails where we would crash. */
static bool is_fresh(volatile char *p) {
    return syscall(SYS_clock_gettime, CLOCK_MONOTONIC, p) == 0 && p[MARK] == 0;
}

/* Tries moves with four pages of nobody's. */
static enum moves try_moves(char *p, size_t page) {
    volatile char *mark = p + MARK;
    mark[0] = 1; /* mappings that no page was touched of would merge */
    mark[2 * page] = 2;
    if (mremap(p + 2 * page, page, page, MOVE_FLAGS, p + page) == MAP_FAILED || !is_fresh(p + 2 * page) ||
        mark[page] != 2)
        return MOVES_NOTHING;
    if (mremap(p, 2 * page, 2 * page, MOVE_FLAGS, p + 2 * page) == MAP_FAILED || !is_fresh(p) ||
        !is_fresh(p + page) || mark[2 * page] != 1 || mark[3 * page] != 2)
        return MOVES_ONE_MAPPING;
    return MOVES_SEVERAL;
}

static enum moves kernel_moves(void) {
    static _Atomic int known;
    enum moves m = (enum moves)atomic_load_explicit(&known, memory_order_relaxed);
    if (likely(m != MOVES_UNKNOWN)) return m;
    size_t page = cmem__os_page_size();
    char *p = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return MOVES_NOTHING;
    m = try_moves(p, page);
    (void)munmap(p, 4 * page);
    atomic_store_explicit(&known, (int)m, memory_order_relaxed);
    return m;
}

/* Whether memory is locked there, or that cannot be told. (Not the C library's msync: threads may
 * be cancelled in that.) */
static bool is_locked(uintptr_t base, size_t bytes) {
    return syscall(SYS_msync, base, bytes, MS_INVALIDATE) != 0; /* EBUSY */
}

/* Makes sure that a place is mapped after a move there has failed: the kernel unmaps it before it
 * moves, and a process so short of memory that the move itself fails is left with a hole, perhaps
 * between pieces that were moved. */
static enum cmem__moved mend(uintptr_t to, size_t bytes) {
    enum cmem__moved result = MOVE_REFUSED;
    for (uintptr_t end = to + bytes; to < end; to += MOVE_PAGES * PAGE_SIZE) {
        void *p = mmap((void *)to, MOVE_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        if (p == MAP_FAILED && errno != EEXIST) result = MOVE_LOST;
    }
    return result;
}

enum cmem__moved cmem__os_move(uintptr_t from, uintptr_t to, size_t bytes) {
    int saved = errno;
    enum moves moves = kernel_moves();
    enum cmem__moved result = MOVED;
    size_t step = moves == MOVES_SEVERAL ? bytes : MOVE_PAGES * PAGE_SIZE;
    /* The kernel unlocks the whole mapping that pages are moved from. (Released pages were not
     * locked when they went; a later mlockall locks both places.) */
    if (moves == MOVES_NOTHING || is_locked(from, bytes)) result = MOVE_REFUSED;
    for (size_t at = 0; at < bytes && result == MOVED; at += step) {
        if (mremap((void *)(from + at), step, step, MOVE_FLAGS, (void *)(to + at)) != MAP_FAILED) continue;
        result =
            errno == EINVAL ? MOVE_REFUSED : mend(to + at, step); /* EINVAL comes before anything is done */
    }
    errno = saved;
    return result;
}

bool cmem__os_barrier(void) {
    static _Atomic int state; /* 0: not asked yet, 1: there, -1: not there */
    int saved = errno;
    if (atomic_load_explicit(&state, memory_order_relaxed) == 0) {
        bool there =
            syscall(SYS_membarrier, MEMBARRIER_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0; /* Linux 4.14 */
        atomic_store_explicit(&state, there ? 1 : -1, memory_order_relaxed);
    }
    bool ok = atomic_load_explicit(&state, memory_order_relaxed) == 1 &&
              syscall(SYS_membarrier, MEMBARRIER_PRIVATE_EXPEDITED, 0, 0) == 0;
    errno = saved;
    return ok;
}

void cmem__os_wait(_Atomic uint32_t *word, uint32_t value, uint64_t ns) {
    int saved = errno;
    struct timespec t = {.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
    (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATELY, value, ns == NO_TIMEOUT ? NULL : &t, NULL, 0);
    errno = saved;
}

void cmem__os_wake(_Atomic uint32_t *word) {
    int saved = errno;
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATELY, INT_MAX, NULL, NULL, 0);
    errno = saved;
}

bool cmem__os_write(int fd, const void *buf, size_t n) {
    int saved = errno;
    for (const char *p = buf; n > 0;) {
        long k = syscall(SYS_write, fd, p, n);
        if (k < 0 && errno != EINTR) return false;
        if (k <= 0) continue;
        p += k;
        n -= (size_t)k;
    }
    errno = saved;
    return true;
}

void *cmem__os_map(size_t bytes) {
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        errno = ENOMEM;
        return NULL;
    }
    name_pages(p, bytes, "cmem: metadata");
    return p;
}

static uint64_t clock_ns(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t cmem__now(void) { return clock_ns(CLOCK_MONOTONIC_COARSE); }
uint64_t cmem__now_fine(void) { return clock_ns(CLOCK_MONOTONIC); }
