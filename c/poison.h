/* poison.h: tells AddressSanitizer and valgrind which bytes of the pool a caller may touch.
 *
 * Both see through malloc, not through a pool: a block that was freed into a cache is still addressable memory to
 * them. So every free block is poisoned, and a live one is addressable for just the bytes that were asked for.
 */
#ifndef CMEM_POISON_H
#define CMEM_POISON_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define CMEM_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CMEM_ASAN 1
#endif
#endif

/* poison(p, n)           no access to n bytes
 * unpoison(p, n)         access; their contents are undefined
 * unpoison_zeroed(p, n)  access; they are known to be zero
 * unpoison_tail(p, n)    access to all n bytes of a live block; the contents stay as defined as they are
 * unpoison_resize(p, n, have)  access to the first n of a live block's `have` bytes, no more */
#if defined(CMEM_ASAN)

#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#define poison(p, n) __asan_poison_memory_region((const void *)(p), (n))
#define unpoison(p, n) __asan_unpoison_memory_region((const void *)(p), (n))
#define unpoison_zeroed(p, n) __asan_unpoison_memory_region((const void *)(p), (n))
#define unpoison_tail(p, n) __asan_unpoison_memory_region((const void *)(p), (n))
#define unpoison_resize(p, n, have)                         \
    (__asan_unpoison_memory_region((const void *)(p), (n)), \
     __asan_poison_memory_region((const char *)(p) + (n), (have) - (n)))
/* Regions are known only to the metadata pages, which LeakSanitizer does not scan. */
#define not_a_leak(p) __lsan_ignore_object(p)

#elif defined(CMEM_VALGRIND) && CMEM_VALGRIND

#include <valgrind/memcheck.h>
#define poison(p, n) (void)VALGRIND_MAKE_MEM_NOACCESS((p), (n))
#define unpoison(p, n) (void)VALGRIND_MAKE_MEM_UNDEFINED((p), (n))
#define unpoison_zeroed(p, n) (void)VALGRIND_MAKE_MEM_DEFINED((p), (n))
/* The bytes behind those that were asked for become undefined, the others stay as they are. What is addressable is
 * a prefix, so its end is found by bisection. */
#define unpoison_tail(p, n) unpoison_tail_bytes((unsigned char *)(p), (n))
#define unpoison_resize(p, n, have)                  \
    (unpoison_tail_bytes((unsigned char *)(p), (n)), \
     (void)VALGRIND_MAKE_MEM_NOACCESS((const char *)(p) + (n), (have) - (n)))
static inline void unpoison_tail_bytes(unsigned char *p, size_t n) {
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        unsigned char bits;
        if (VALGRIND_GET_VBITS(p + mid, &bits, 1) == 3)
            hi = mid;
        else
            lo = mid + 1;
    }
    if (lo < n) (void)VALGRIND_MAKE_MEM_UNDEFINED(p + lo, n - lo);
}
#define not_a_leak(p) ((void)(p))

#else

#define poison(p, n) ((void)(p), (void)(n))
#define unpoison(p, n) ((void)(p), (void)(n))
#define unpoison_zeroed(p, n) ((void)(p), (void)(n))
#define unpoison_tail(p, n) ((void)(p), (void)(n))
#define unpoison_resize(p, n, have) ((void)(p), (void)(n), (void)(have))
#define not_a_leak(p) ((void)(p))

#endif

#endif /* CMEM_POISON_H */
