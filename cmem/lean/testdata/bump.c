/* bump.c: a malloc that never reuses, to be preloaded. */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static _Alignas(4096) char memory[64 << 20];
static atomic_size_t used;

/* The size lies in front of each block. */
void *aligned_alloc(size_t alignment, size_t n) {
    if (alignment < 16) alignment = 16;
    size_t from = atomic_fetch_add(&used, n + 2 * alignment);
    if (n > sizeof memory || from > sizeof memory - n - 2 * alignment) {
        errno = ENOMEM;
        return NULL;
    }
    uintptr_t p = ((uintptr_t)memory + from + 2 * alignment - 1) & ~(alignment - 1);
    ((size_t *)p)[-1] = n;
    return (void *)p;
}

void *malloc(size_t n) { return aligned_alloc(16, n); }
void *calloc(size_t count, size_t n) { return malloc(count * n); }
void free(void *p) { (void)p; }

void *realloc(void *p, size_t n) {
    char *q = malloc(n);
    if (p == NULL || q == NULL) return q;
    size_t had = ((size_t *)p)[-1];
    return memcpy(q, p, had < n ? had : n);
}
