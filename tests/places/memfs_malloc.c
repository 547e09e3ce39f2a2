/* A malloc for LD_PRELOAD whose aligned_alloc serves what is 1 MiB or more from shared memory, as
 * tcmalloc's memfs does: giving pages of that back leaves their contents. What is freed is lost;
 * where the memory is used up, the next malloc has more. Built by memfs.sh. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define ARENA ((size_t)512 << 20)

static char *arena;
static size_t used;

static void *from_next(size_t alignment, size_t bytes) {
    void *(*next)(size_t, size_t) = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "aligned_alloc");
    return next(alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t size) {
    if (size < (size_t)1 << 20) return from_next(alignment, size);
    if (arena == NULL) {
        int fd = memfd_create("memfs", MFD_CLOEXEC);
        if (fd < 0 || ftruncate(fd, (off_t)ARENA) != 0) return NULL;
        char *p = mmap(NULL, ARENA, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
        if (p == MAP_FAILED) return NULL;
        arena = p;
        used = -(size_t)p % alignment;
    }
    size_t at = __atomic_fetch_add(&used, (size + alignment - 1) / alignment * alignment, __ATOMIC_RELAXED);
    return at + size <= ARENA ? arena + at : from_next(alignment, size);
}

void free(void *ptr) {
    static void (*next)(void *);
    if (ptr == NULL || (arena != NULL && (char *)ptr >= arena && (char *)ptr < arena + ARENA)) return;
    if (next == NULL) next = (void (*)(void *))dlsym(RTLD_NEXT, "free");
    next(ptr);
}
