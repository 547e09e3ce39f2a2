/* base.h: what every part builds on: the sizes of pages and addresses, and how a word is shared
 * without a lock.
 *
 * Lock: none. Every other header but cmem.h includes it, before those of the system. It includes no
 * other part's.
 *
 * Names: cmem_ is public, cmem__ is shared between files, statics and inline functions have no
 * prefix. The parts and their order are in layers.txt.
 */
#ifndef CMEM_BASE_H
#define CMEM_BASE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* adaptive mutexes, mremap, pthread_setname_np; NOLINT: the name is the C library's */
#endif

#include <stddef.h>
#include <stdint.h>

#ifndef __linux__
#error "libcmem needs Linux: it relies on MADV_DONTNEED giving zeroed pages"
#endif

#ifndef CMEM_DEBUG
#define CMEM_DEBUG 0
#endif

_Static_assert(sizeof(void *) == 8, "libcmem needs 64-bit addresses");

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* A thread's variable that takes one instruction to reach. glibc keeps room for such of libraries
 * that are opened late; musl does not, and refuses to open them: there a shared library has to call
 * for its address. */
#ifdef __GLIBC__
#define NEAR_TLS __attribute__((tls_model("initial-exec")))
#else
#define NEAR_TLS
#endif

#define PAGE_SHIFT 12
#define PAGE_SIZE ((size_t)1 << PAGE_SHIFT)

/* User addresses are below 2^48 on every machine supported, unless mmap is asked for more, which
 * malloc never does. */
#define ADDR_BITS 48

/* Whoever owns a field (a cache's owner, a lock's holder) alone writes it, with poke; others read
 * it for statistics, with peek: plain moves both. What they see may be in the middle of a change;
 * it is exact at rest. */
#define poke(field, value) __atomic_store_n(&(field), (value), __ATOMIC_RELAXED)
#define peek(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)

/* For what Go and assembly read: they have the same numbers. */
#define assert_offset(type, field, at) \
    _Static_assert(offsetof(type, field) == (at), #field " is not where Go expects it")
#define assert_size(type, bytes) \
    _Static_assert(sizeof(type) == (bytes), #type " is not as large as Go expects it")

#endif /* CMEM_BASE_H */
