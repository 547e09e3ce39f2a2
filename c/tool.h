/* tool.h: tells the tool that watches the program's memory which bytes of the pool a caller may
 * touch.
 *
 * AddressSanitizer, MemorySanitizer and valgrind's memcheck see through malloc, not through a pool:
 * a block that was freed is still malloc's live memory to them. So every free block is poisoned,
 * and a live one is accessible for just the bytes that were asked for. Which tool runs is found
 * when the program runs (tool.c): the library need not be compiled for it.
 *
 * Lock: none. Called by whoever hands a block out or takes it back, off the fast paths, and by
 * os.c.
 */
#ifndef CMEM_TOOL_H
#define CMEM_TOOL_H

#include "base.h"

#include <stdatomic.h>
#include <stdbool.h>

enum cmem__tool {
    TOOL_UNKNOWN = 0,
    TOOL_NONE, /* the others are after it */
    TOOL_ASAN,
    TOOL_MSAN,
    TOOL_MEMCHECK,
};

/* TOOL_UNKNOWN until cmem__tool_find has been called, as it is before the first region and the
 * first cache. */
extern _Atomic int cmem__tool;

/* Finds the tool, once, and returns it. */
enum cmem__tool cmem__tool_find(void);

static inline bool watched(void) {
    return unlikely(atomic_load_explicit(&cmem__tool, memory_order_relaxed) > TOOL_NONE);
}

/* Without a tool each of these is a test of one word; none is on a fast path (see cmem__cacheless).
 *
 *   poison(p, n)           nobody may access the n bytes at p
 *   unpoison(p, n)         the caller may; their contents are undefined
 *   unpoison_zeroed(p, n)  the caller may; they are known to be zero
 *   unpoison_tail(p, n)    of a live block: the caller may access all n bytes; those that it could
 *                          access before keep their contents
 *   unpoison_resize(p, n, have)
 *                          of a live block of `have` bytes: the same for its first n, and nobody
 *                          may access the others
 *   wrote(p, n)            the library, which is not instrumented, has written n bytes for the
 *                          caller
 */
#define poison(p, n) (watched() ? cmem__poison((uintptr_t)(p), (n)) : (void)0)
#define unpoison(p, n) (watched() ? cmem__unpoison((uintptr_t)(p), (n)) : (void)0)
#define unpoison_zeroed(p, n) (watched() ? cmem__unpoison_zeroed((uintptr_t)(p), (n)) : (void)0)
#define unpoison_tail(p, n) (watched() ? cmem__unpoison_tail((uintptr_t)(p), (n)) : (void)0)
#define unpoison_resize(p, n, have) (watched() ? cmem__unpoison_resize((uintptr_t)(p), (n), (have)) : (void)0)
#define wrote(p, n) (watched() ? cmem__wrote((uintptr_t)(p), (n)) : (void)0)

void cmem__poison(uintptr_t p, size_t n);
void cmem__unpoison(uintptr_t p, size_t n);
void cmem__unpoison_zeroed(uintptr_t p, size_t n);
void cmem__unpoison_tail(uintptr_t p, size_t n);
void cmem__unpoison_resize(uintptr_t p, size_t n, size_t have);
void cmem__wrote(uintptr_t p, size_t n);

/* Tells LeakSanitizer that the block p of malloc's is no leak, but may hold pointers. */
void cmem__not_a_leak(void *p);
void cmem__may_leak(void *p); /* before it is freed */

/* The most that malloc may be asked for: the sanitizers' end the process where it is asked for
 * more. */
size_t cmem__malloc_max(void);

#endif /* CMEM_TOOL_H */
