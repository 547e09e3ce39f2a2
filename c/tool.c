//go:build linux && (amd64 || arm64 || riscv64)

/* tool.c: which tool watches the program's memory, and how it is told which bytes a caller may
 * touch. Part of every build of the library: the sanitizers are known by weak symbols, memcheck by
 * its answer to a request.
 */
#include "tool.h"

#include <stdatomic.h>

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the names are the sanitizers' */
#define WEAK __attribute__((weak))
extern void __asan_poison_memory_region(const volatile void *p, size_t n) WEAK;
extern void __asan_unpoison_memory_region(const volatile void *p, size_t n) WEAK;
extern void __lsan_ignore_object(const void *p) WEAK;
extern void __msan_poison(const volatile void *p, size_t n) WEAK;
extern void __msan_unpoison(const volatile void *p, size_t n) WEAK;
extern void __msan_allocated_memory(const volatile void *p, size_t n) WEAK;
extern size_t __sanitizer_get_allocated_size(const volatile void *p) WEAK;
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

_Atomic int cmem__tool;

/* ------------------------------------------------------------------------------------- memcheck */

/* Requests to memcheck, from its header. */
enum request {
    MAKE_NOACCESS = 'M' << 24 | 'C' << 16,
    MAKE_UNDEFINED,
    MAKE_DEFINED,
    GET_VBITS = MAKE_NOACCESS + 8,
};

/* What memcheck answers; 0 where it is not there, be it that another of valgrind's tools is.
 * Valgrind takes a sequence of rotations that leaves a register as it is for a request; processors
 * run it as such. The sequence is part of valgrind's interface. */
static uintptr_t ask(enum request what, uintptr_t a, uintptr_t b, uintptr_t c) {
    uintptr_t answer = 0;
#if defined(__x86_64__) && defined(__LP64__)
    volatile uintptr_t args[6] = {what, a, b, c, 0, 0};
    __asm__ volatile(
        "rolq $3, %%rdi\n\trolq $13, %%rdi\n\trolq $61, %%rdi\n\trolq $51, %%rdi\n\txchgq %%rbx, %%rbx"
        : "=d"(answer)
        : "a"(&args[0]), "0"(answer)
        : "cc", "memory");
#elif defined(__aarch64__)
    volatile uintptr_t args[6] = {what, a, b, c, 0, 0};
    __asm__ volatile("mov x3, xzr\n\tmov x4, %1\n\t"
                     "ror x12, x12, #3\n\tror x12, x12, #13\n\tror x12, x12, #51\n\tror x12, x12, #61\n\t"
                     "orr x10, x10, x10\n\tmov %0, x3"
                     : "=r"(answer)
                     : "r"(&args[0])
                     : "cc", "memory", "x3", "x4");
#else
    (void)what, (void)a, (void)b, (void)c;
#endif
    return answer;
}

/* The bytes of [p, p + n) that are accessible are its first ones; how many is found by
 * bisection. */
static size_t accessible(uintptr_t p, size_t n) {
    const uintptr_t no_access = 3;
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        unsigned char bits;
        if (ask(GET_VBITS, p + mid, (uintptr_t)&bits, 1) == no_access)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

/* ------------------------------------------------------------------------------------------ all */

static enum cmem__tool find(void) {
    if (__asan_poison_memory_region != NULL && __asan_unpoison_memory_region != NULL) return TOOL_ASAN;
    if (__msan_poison != NULL && __msan_unpoison != NULL && __msan_allocated_memory != NULL) return TOOL_MSAN;
    unsigned char byte = 0, bits;
    return ask(GET_VBITS, (uintptr_t)&byte, (uintptr_t)&bits, 1) == 1 ? TOOL_MEMCHECK : TOOL_NONE;
}

enum cmem__tool cmem__tool_find(void) {
    int t = atomic_load_explicit(&cmem__tool, memory_order_relaxed);
    if (t == TOOL_UNKNOWN) {
        t = find();
        atomic_store_explicit(&cmem__tool, t, memory_order_relaxed);
    }
    return (enum cmem__tool)t;
}

/* NOLINTBEGIN(clang-analyzer-core.CallAndMessage): a tool's functions are there where find has found the tool */
void cmem__poison(uintptr_t p, size_t n) {
    switch (cmem__tool_find()) {
    case TOOL_ASAN:
        __asan_poison_memory_region((const void *)p, n);
        break;
    case TOOL_MSAN:
        __msan_poison((const void *)p,
                      n); /* knows no access, but what is read there is found when it is used */
        break;
    case TOOL_MEMCHECK:
        (void)ask(MAKE_NOACCESS, p, n, 0);
        break;
    default:
        break;
    }
}

void cmem__unpoison(uintptr_t p, size_t n) {
    switch (cmem__tool_find()) {
    case TOOL_ASAN:
        __asan_unpoison_memory_region((const void *)p, n);
        break;
    case TOOL_MSAN:
        __msan_allocated_memory((const void *)p, n);
        break;
    case TOOL_MEMCHECK:
        (void)ask(MAKE_UNDEFINED, p, n, 0);
        break;
    default:
        break;
    }
}

void cmem__unpoison_zeroed(uintptr_t p, size_t n) {
    switch (cmem__tool_find()) {
    case TOOL_ASAN:
        __asan_unpoison_memory_region((const void *)p, n);
        break;
    case TOOL_MSAN:
        __msan_unpoison((const void *)p, n);
        break;
    case TOOL_MEMCHECK:
        (void)ask(MAKE_DEFINED, p, n, 0);
        break;
    default:
        break;
    }
}

/* NOLINTEND(clang-analyzer-core.CallAndMessage) */

/* To MemorySanitizer the bytes behind those that were asked for are undefined already. */
void cmem__unpoison_tail(uintptr_t p, size_t n) {
    size_t have = 0;
    if (cmem__tool_find() == TOOL_MSAN) return;
    if (cmem__tool_find() == TOOL_MEMCHECK) have = accessible(p, n);
    if (have < n) cmem__unpoison(p + have, n - have);
}

void cmem__unpoison_resize(uintptr_t p, size_t n, size_t have) {
    cmem__unpoison_tail(p, n);
    if (n < have) cmem__poison(p + n, have - n);
}

void cmem__wrote(uintptr_t p, size_t n) {
    if (cmem__tool_find() == TOOL_MSAN) __msan_unpoison((const void *)p, n);
}

/* Where that function is not to be found (the runtime is in a program that opens this library), the
 * leak checker still sees what static memory points to: the first regions are kept there. */
static _Atomic(void *) not_leaks[64];

static void replace(void *from, void *to) {
    for (unsigned i = 0; i < sizeof not_leaks / sizeof *not_leaks; i++) {
        void *there = from;
        if (atomic_compare_exchange_strong(&not_leaks[i], &there, to)) return;
    }
}

void cmem__not_a_leak(void *p) {
    if (__lsan_ignore_object != NULL)
        __lsan_ignore_object(p);
    else
        replace(NULL, p);
}

void cmem__may_leak(void *p) { replace(p, NULL); }

size_t cmem__malloc_max(void) {
    if (__sanitizer_get_allocated_size == NULL) return PTRDIFF_MAX;
    /* 1 TiB, but 8 or 4 GiB for MemorySanitizer and LeakSanitizer alone. */
    bool alone = cmem__tool_find() != TOOL_ASAN && (__msan_poison != NULL || __lsan_ignore_object != NULL);
    return alone ? (size_t)4 << 30 : (size_t)1 << 39;
}
