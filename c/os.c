//go:build linux

/* os.c: the operating system and the malloc below us. The only file that makes system calls for memory. */
#include "internal.h"
#include "poison.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

/* The most that malloc is asked for. AddressSanitizer's ends the process where it is asked for over 1 TiB. */
#if defined(CMEM_ASAN)
#define MALLOC_MAX ((size_t)1 << 39)
#else
#define MALLOC_MAX ((size_t)PTRDIFF_MAX)
#endif

/* Names a mapping in /proc/self/smaps where the kernel has CONFIG_ANON_VMA_NAME; elsewhere it fails, to no harm. */
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

void *cmem__os_region_new(size_t bytes, bool *zeroed) {
    void *p = bytes <= MALLOC_MAX ? aligned_alloc(REGION_ALIGN, bytes) : NULL;
    if (p == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    name_pages(p, bytes, "cmem: region");
    /* Whatever malloc handed out, used or fresh, counts as cold from here on. */
    *zeroed = cmem__os_release((uintptr_t)p, bytes);
    not_a_leak(p);
    poison(p, bytes);
    return p;
}

void cmem__os_region_delete(void *p, size_t bytes) {
    int saved = errno;
    unpoison(p, bytes);
    free(p);
    errno = saved;
}

bool cmem__os_release(uintptr_t base, size_t bytes) {
    int saved = errno;
    bool ok = madvise((void *)base, bytes, MADV_DONTNEED) == 0; /* EINVAL: the pages are locked */
    errno = saved;
    return ok;
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

uint64_t cmem__now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
