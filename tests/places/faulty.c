/* faulty.c: a program that makes one mistake, which its first argument names, with a block of as
 * many bytes as the second says: for the scripts that run it under a tool. "none" makes none, with
 * blocks of every kind. C and C++. */
#include "cmem.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef WITH_DLOPEN
#include <dlfcn.h>
static __typeof__(&cmem_alloc) alloc_;
static __typeof__(&cmem_calloc) calloc_;
static __typeof__(&cmem_realloc) realloc_;
static __typeof__(&cmem_aligned_alloc) aligned_alloc_;
static __typeof__(&cmem_posix_memalign) posix_memalign_;
static __typeof__(&cmem_reallocarray) reallocarray_;
static __typeof__(&cmem_usable_size) usable_size_;
static __typeof__(&cmem_alloc_batch) alloc_batch_;
static __typeof__(&cmem_free_batch) free_batch_;
static __typeof__(&cmem_free) free_;
static __typeof__(&cmem_stats) stats_;
static __typeof__(&cmem_class_info) class_info_;
static __typeof__(&cmem_scavenge) scavenge_;

static void load(void) {
    void *lib = dlopen(WITH_DLOPEN, RTLD_NOW | RTLD_LOCAL);
    if (lib == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(3);
    }
#define FIND(name) name##_ = (__typeof__(name##_))dlsym(lib, "cmem_" #name)
    FIND(alloc), FIND(calloc), FIND(realloc), FIND(aligned_alloc), FIND(usable_size), FIND(alloc_batch);
    FIND(free_batch), FIND(free), FIND(stats), FIND(class_info), FIND(scavenge);
    FIND(posix_memalign), FIND(reallocarray);
}
#define cmem_alloc(n) alloc_(n)
#define cmem_calloc(k, n) calloc_(k, n)
#define cmem_realloc(p, n) realloc_(p, n)
#define cmem_aligned_alloc(a, n) aligned_alloc_(a, n)
#define cmem_posix_memalign(p, a, n) posix_memalign_(p, a, n)
#define cmem_reallocarray(p, k, n) reallocarray_(p, k, n)
#define cmem_usable_size(p) usable_size_(p)
#define cmem_alloc_batch(n, p, k) alloc_batch_(n, p, k)
#define cmem_free_batch(p, k) free_batch_(p, k)
#define cmem_free(p) free_(p)
#define cmem_stats(p) stats_(p)
#define cmem_class_info(c, p) class_info_(c, p)
#define cmem_scavenge(t) scavenge_(t)
#else
static void load(void) {}
#endif

static void expect(int ok, const char *what, size_t n) {
    if (ok) return;
    fprintf(stderr, "faulty: %s, %zu bytes\n", what, n);
    exit(2);
}
#define EXPECT(cond) expect(cond, #cond, n)

/* Every byte of p decides something, so that a tool sees which are undefined. */
static int all_are(const unsigned char *p, size_t n, int value) {
    size_t others = 0;
    for (size_t i = 0; i < n; i++)
        if (p[i] != value) others++;
    return others == 0;
}

static unsigned char *filled(void *p, size_t n, int value) { return (unsigned char *)memset(p, value, n); }

static void use(size_t n) {
    unsigned char *p = filled(cmem_alloc(n), n, 1), *z = (unsigned char *)cmem_calloc(1, n);
    EXPECT(all_are(p, n, 1) && all_are(z, n, 0));
    p = (unsigned char *)cmem_realloc(p, 2 * n);
    EXPECT(all_are(p, n, 1));
    filled(p + n, n, 2);
    p = (unsigned char *)cmem_realloc(p, n / 2 + 1);
    EXPECT(all_are(p, n / 2 + 1, 1));
    size_t have = cmem_usable_size(p);
    p = (unsigned char *)cmem_realloc(p, have);
    filled(p, have, 3);
    cmem_free(p);
    filled(z, n, 4);
    cmem_free(z);
    z = (unsigned char *)cmem_calloc(n, 1); /* of used memory */
    EXPECT(all_are(z, n, 0));
    cmem_free(z);
    p = (unsigned char *)cmem_aligned_alloc(64 << 10, n);
    EXPECT((uintptr_t)p % (64 << 10) == 0 && all_are(filled(p, n, 5), n, 5));
    cmem_free(p);
    void *q;
    EXPECT(cmem_posix_memalign(&q, 64, n) == 0 && (uintptr_t)q % 64 == 0 && all_are(filled(q, n, 6), n, 6));
    p = (unsigned char *)cmem_reallocarray(q, 2, n);
    EXPECT(all_are(p, n, 6) && all_are(filled(p, 2 * n, 7), 2 * n, 7));
    cmem_free(p);
    void *batch[3];
    EXPECT(cmem_alloc_batch(n, batch, 3) == 3);
    for (int i = 0; i < 3; i++) {
        EXPECT(batch[i] != NULL);
        filled(batch[i], n, 6);
    }
    cmem_free_batch(batch, 3);
}

static const size_t sizes[] = {1, 16, 100, 4096, 30000, 102400, 300000, 1 << 20, 17 << 20};

static void *use_all(void *pass) {
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes - (pass != NULL); i++) use(sizes[i]);
    cmem_free(pass); /* of another thread */
    return cmem_alloc(1000);
}

/* Where a live block holds the only pointer to a block of malloc's, that is no leak. */
static void *hidden;

static void none(size_t n) {
    pthread_t t[2];
    void *passed;
    cmem_free(use_all(NULL));
    for (int i = 0; i < 2; i++) EXPECT(pthread_create(&t[i], NULL, use_all, cmem_alloc(n)) == 0);
    for (int i = 0; i < 2; i++) {
        EXPECT(pthread_join(t[i], &passed) == 0);
        cmem_free(passed);
    }
    struct cmem_stats s;
    s.struct_size = sizeof s;
    cmem_stats(&s);
    EXPECT(s.live_blocks == 1 && s.mallocs > 100 && !all_are((unsigned char *)&s, sizeof s, 255));
    struct cmem_class_info info;
    EXPECT(cmem_class_info(3, &info) == 0 && info.size == 64);
    (void)cmem_scavenge(0);
    void **p = (void **)cmem_alloc(n < sizeof *p ? sizeof *p : n);
    *p = malloc(123);
    hidden = p;
}

/* Reads that the compiler must do. */
static int read_at(const volatile unsigned char *p, size_t i) { return p[i]; }
static void write_at(volatile unsigned char *p, size_t i) { p[i] = 1; }

int main(int argc, char **argv) {
    size_t n = argc == 3 ? strtoul(argv[2], NULL, 0) : 0;
    if (n == 0) return 2;
    load();
    void *leaked = cmem_alloc(10); /* is in a region */
    (void)leaked;
    const char *fault = argv[1];
    if (strcmp(fault, "none") == 0) {
        none(n);
        return 0;
    }
    unsigned char *p = (unsigned char *)cmem_alloc(n), *next = (unsigned char *)cmem_alloc(1);
    if (strcmp(fault, "overflow-read") == 0) {
        (void)read_at(p, n);
    } else if (strcmp(fault, "overflow-write") == 0) {
        write_at(p, n);
    } else if (strcmp(fault, "overflow-calloc") == 0) {
        write_at((unsigned char *)cmem_calloc(1, n), n);
    } else if (strcmp(fault, "overflow-realloc") == 0) {
        p = (unsigned char *)cmem_realloc(p, n + 8);
        p = (unsigned char *)cmem_realloc(p, n);
        write_at(p, n);
    } else if (strcmp(fault, "uninitialised") == 0) {
        if (read_at(p, n - 1) == 77) puts("by chance");
    } else if (strcmp(fault, "uninitialised-reused") == 0) {
        filled(p, n, 1);
        cmem_free(p);
        p = (unsigned char *)cmem_alloc(n);
        if (read_at(p, n / 2) == 77) puts("by chance");
    } else if (strcmp(fault, "uninitialised-realloc") == 0) {
        filled(p, n, 1);
        p = (unsigned char *)cmem_realloc(p, n + 20000);
        if (read_at(p, n - 1) != 1) return 3;
        if (read_at(p, n + 1) == 77) puts("by chance");
    } else {
        filled(p, n, 1);
        cmem_free(p);
        if (strcmp(fault, "read-after-free") == 0) {
            if (read_at(p, n / 2) == 77) puts("by chance");
        } else if (strcmp(fault, "write-after-free") == 0) {
            write_at(p, n - 1);
        } else if (strcmp(fault, "double-free") == 0) {
            cmem_free(p);
        } else {
            return 2;
        }
    }
    cmem_free(next);
    return 0;
}
