/* fake_os.h: stands between the library and what it asks for memory. It counts, refuses, or runs the test's code in
 * the middle of a call. The definitions take the C library's place in the one program that includes this. */
#ifndef CMEM_TESTS_FAKE_OS_H
#define CMEM_TESTS_FAKE_OS_H

#include "helpers.h"

#include <malloc.h>
#include <stdarg.h>
#include <sys/syscall.h>

static struct {
    bool counting;      /* only while set does `calls` count and `refuse_from` apply */
    unsigned calls;     /* aligned_alloc and mmap */
    unsigned refuse_at; /* the number of the call that fails; 0: none */
    bool refuse_all;    /* each one fails from that number on */

    bool refuse_release; /* madvise fails as for locked pages */
    bool keep_contents;  /* releases are let through and do nothing, as for shared memory */
    size_t released;     /* bytes in releases that were let through */
    unsigned refused;    /* releases that were not */
    unsigned small;      /* times that huge pages were forbidden */
    void (*in_release)(uintptr_t base, size_t bytes);
    void (*in_region)(void); /* before aligned_alloc */
    void (*in_map)(void);    /* before mmap */

    unsigned refuse_regions; /* so many aligned_alloc fail */
    unsigned regions;        /* calls of aligned_alloc */
    char *region_at;         /* where the next regions lie; NULL: malloc decides */
    size_t region_align;     /* what else their starts are multiples of */

    unsigned moves;        /* calls of mremap */
    uintptr_t move_to[64]; /* the new places of the first ones */
    int move_error;        /* each one fails with it; 0: the kernel decides */
    bool move_unmaps;      /* before it fails, the new place is unmapped */
    size_t
        move_some; /* before it fails, so many bytes are moved; with move_unmaps, as many again are unmapped */
    bool
        one_mapping; /* as Linux before 6.17: the new place is unmapped, then a source in several mappings refused */
    void (*in_move)(uintptr_t from, uintptr_t to, size_t bytes); /* before mremap */
} os;

static bool os_refuses(void) {
    if (!os.counting) return false;
    os.calls++;
    return os.refuse_at != 0 && (os.calls == os.refuse_at || (os.refuse_all && os.calls > os.refuse_at));
}

int madvise(void *addr, size_t len, int advice) {
    if (advice == MADV_NOHUGEPAGE) os.small++;
    if (advice != MADV_DONTNEED) return (int)syscall(SYS_madvise, addr, len, advice);
    if (os.in_release != NULL) os.in_release((uintptr_t)addr, len);
    if (os.refuse_release) {
        os.refused++;
        errno = EINVAL;
        return -1;
    }
    os.released += len;
    return os.keep_contents ? 0 : (int)syscall(SYS_madvise, addr, len, advice);
}

void *aligned_alloc(size_t alignment, size_t size) {
    if (os.in_region != NULL) os.in_region();
    os.regions++;
    if (os_refuses() || os.refuse_regions > 0) {
        if (os.refuse_regions > 0) os.refuse_regions--;
        errno = ENOMEM;
        return NULL;
    }
    if (os.region_at == NULL)
        return memalign(os.region_align > alignment ? os.region_align : alignment, size);
    os.region_at += size;
    return os.region_at - size;
}

void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset) {
    if (os.in_map != NULL) os.in_map();
    if (!os_refuses()) return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, offset);
    errno = ENOMEM;
    return MAP_FAILED;
}

static bool in_one_mapping(uintptr_t from, size_t bytes) {
    char line[512];
    uintptr_t lo, hi;
    bool in_one = false;
    FILE *maps = fopen("/proc/self/maps", "re");
    while (!in_one && fgets(line, sizeof line, maps) != NULL && sscanf(line, "%zx-%zx", &lo, &hi) == 2)
        in_one = lo <= from && from + bytes <= hi;
    fclose(maps);
    return in_one;
}

/* Only as the library calls it, with a new place. */
void *mremap(void *addr, size_t old_len, size_t new_len, int flags, ...) {
    va_list args;
    va_start(args, flags);
    void *to = va_arg(args, void *);
    va_end(args);
    if (os.in_move != NULL) os.in_move((uintptr_t)addr, (uintptr_t)to, old_len);
    if (os.moves < LEN(os.move_to)) os.move_to[os.moves] = (uintptr_t)to;
    os.moves++;
    bool crosses = os.one_mapping && !in_one_mapping((uintptr_t)addr, old_len);
    int error = crosses ? EFAULT : os.move_error;
    if (error == 0) return (void *)syscall(SYS_mremap, addr, old_len, new_len, flags, to);
    size_t some = old_len > os.move_some ? os.move_some : 0;
    if (some > 0) (void)syscall(SYS_mremap, addr, some, some, flags, to);
    if (os.move_unmaps || crosses) (void)munmap((char *)to + some, some > 0 ? some : old_len);
    errno = error;
    return MAP_FAILED;
}

#endif /* CMEM_TESTS_FAKE_OS_H */
