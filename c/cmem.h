/* cmem.h: the public interface of libcmem.
 *
 * libcmem hands out blocks of C memory from pooled size classes. It takes address space from malloc
 * in large regions, keeps what is freed for reuse, and gives idle pages back to the operating
 * system. C and Go code share the one heap: a block may be allocated on one side and freed on the
 * other.
 *
 * Every function may be called from any thread, in a child of fork, and in atfork handlers. None
 * may be called from a signal handler, or by a thread that can be cancelled asynchronously. None is
 * a cancellation point.
 *
 * Misuse (a block freed twice, a pointer that is not the start of a block, a block that belongs to
 * a Go handle or arena) is found before anything is touched: one line on standard error that begins
 * with "cmem: " and names the pointer and what it is, then abort(). The pointer itself is never
 * dereferenced.
 *
 * A use after free, or of bytes beyond those asked for, is for the tools to report:
 * AddressSanitizer, MemorySanitizer and valgrind's memcheck. The library looks for them before its
 * first block, and tells them what is whose; it need not be compiled for them.
 */
#ifndef CMEM_H
#define CMEM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header. cmem_version() tells that of the library that is linked. */
#define CMEM_VERSION_MAJOR 0
#define CMEM_VERSION_MINOR 1
#define CMEM_VERSION_PATCH 0
#define CMEM_VERSION_NUMBER (CMEM_VERSION_MAJOR * 10000 + CMEM_VERSION_MINOR * 100 + CMEM_VERSION_PATCH)

#if defined(__GNUC__)
#define CMEM_ATTR(...) __attribute__((__VA_ARGS__))
#else
#define CMEM_ATTR(...)
#endif
#define CMEM_API CMEM_ATTR(visibility("default"))

/* The largest size that is rounded to a size class and cached, in bytes; larger blocks are "huge":
 * rounded to a whole page of 4 KiB. */
#define CMEM_MAX_CLASS_SIZE ((size_t)16 << 20)

/* The number of size classes. cmem_class_info() describes each. */
#define CMEM_NUM_CLASSES 144

/* The library's version as a number, CMEM_VERSION_NUMBER of the header it was built with; 100 is
 * 0.1.0. */
CMEM_API int cmem_version(void);

/* The library's version as text, "0.1.0". The string is static. */
CMEM_API const char *cmem_version_string(void);

/* Allocates n bytes, aligned to 16, not zeroed. n = 0 gives a block of the smallest class, not
 * NULL. The block is the caller's until it goes to cmem_free or cmem_realloc.
 * Returns NULL with errno ENOMEM where n is over PTRDIFF_MAX or no memory is to be had. */
CMEM_API void *cmem_alloc(size_t n) CMEM_ATTR(malloc, alloc_size(1), warn_unused_result);

/* Allocates count * size zeroed bytes. The memset is skipped for pages that are known to be zero.
 * Returns NULL with errno ENOMEM where the product overflows, is over PTRDIFF_MAX, or no memory is
 * to be had. */
CMEM_API void *cmem_calloc(size_t count, size_t size) CMEM_ATTR(malloc, alloc_size(1, 2), warn_unused_result);

/* Makes the block p at least n bytes long and keeps its first min(old, n) bytes. Where the block is
 * already big enough it is returned as it is (a large block gives its tail back when more than half
 * would be unused); otherwise the bytes move to a new block and p is freed. p = NULL: as
 * cmem_alloc(n). n = 0: as cmem_alloc(0) after cmem_free(p), never NULL for lack of size.
 * Returns NULL with errno ENOMEM as cmem_alloc does, for an n that p's block has no room for; p is
 * then still the caller's and unchanged. */
CMEM_API void *cmem_realloc(void *p, size_t n) CMEM_ATTR(alloc_size(2), warn_unused_result);

/* cmem_realloc(p, count * size), unless the product overflows.
 * Returns NULL with errno ENOMEM where it does, or is over PTRDIFF_MAX, or no memory is to be had; p
 * is then still the caller's and unchanged. */
CMEM_API void *cmem_reallocarray(void *p, size_t count, size_t size)
    CMEM_ATTR(alloc_size(2, 3), warn_unused_result);

/* Allocates n bytes at a multiple of alignment, which must be a power of two; n need not be a
 * multiple of it.
 * Returns NULL with errno EINVAL where alignment is no power of two, ENOMEM as cmem_alloc does. */
CMEM_API void *cmem_aligned_alloc(size_t alignment, size_t n)
    CMEM_ATTR(malloc, alloc_align(1), alloc_size(2), warn_unused_result);

/* cmem_aligned_alloc with the manners of posix_memalign: *out is the block, errno is kept, and
 * alignment must be a power of two and a multiple of sizeof(void *). n = 0 gives a block of its own.
 * Returns 0; EINVAL where alignment is none of these; or ENOMEM where n is over PTRDIFF_MAX or no
 * memory is to be had. *out is left alone then. */
CMEM_API int cmem_posix_memalign(void **out, size_t alignment, size_t n) CMEM_ATTR(warn_unused_result);

/* Frees a block. p = NULL: nothing. errno is kept. Aborts on misuse. */
CMEM_API void cmem_free(void *p);

/* The number of bytes the live block p really holds: at least what was asked for, and beyond 128
 * bytes at most 12.5 % more. Where a thread does little else than allocate and free, a block may be
 * of a class up to twice as large.
 *
 * The bytes beyond the request may be used after p = cmem_realloc(p, cmem_usable_size(p)), which
 * returns p itself whatever kind of block it is. (A Go handle's or arena's block has a size too, but
 * may not be reallocated.) Until then they are out of bounds for the compiler (_FORTIFY_SOURCE),
 * AddressSanitizer and valgrind.
 * p = NULL: 0. Aborts on misuse. */
CMEM_API size_t cmem_usable_size(const void *p);

/* Allocates count blocks of n bytes each into out[0..count) with few locks taken.
 * Returns how many were allocated; fewer than count means errno ENOMEM, and those that were are the
 * caller's. */
CMEM_API size_t cmem_alloc_batch(size_t n, void **out, size_t count) CMEM_ATTR(warn_unused_result);

/* Frees p[0..count), which may be of different sizes; a NULL among them is passed over. errno is
 * kept. */
CMEM_API void cmem_free_batch(void *const *p, size_t count);

/* Gives the pages of free spans that have been idle for at least idle_ns nanoseconds back to the
 * operating system, and whole idle regions back to malloc; caches of threads that have not used
 * theirs for so long are emptied first. 0 means everything, whenever it was used last. Idle times
 * are seen by the calls: the first one notes what is in use.
 * Returns the bytes given back. errno is kept. */
CMEM_API size_t cmem_scavenge(uint64_t idle_ns);

/* Starts a thread that gives idle memory back. While the heap is used, what stays resident is the
 * most that was in use during the last idle_ns and an eighth; after idle_ns without use everything
 * goes. 3 s is a good choice, 20 ms as lean as it gets. A child of fork has no such thread. Returns
 * 0, or -1 with errno EINVAL where idle_ns is 0, EALREADY where the thread is there already or this
 * is a Go program whose package cmem does the same (all but those built with -race), or what
 * pthread_create says (EAGAIN, EPERM). */
CMEM_API int cmem_scavenger_start(uint64_t idle_ns);

/* Ends that thread, and returns when it has ended. */
CMEM_API void cmem_scavenger_stop(void);

/* Sets a soft cap, in bytes, on what the heap may hold: blocks in use, free blocks in caches, and
 * free memory that was not given back. Free memory is given back to stay below it; an allocation
 * that would exceed it even so fails with ENOMEM. 0 or SIZE_MAX: no limit, as at the start.
 * Metadata does not count (cmem_stats has it).
 * Returns 0, or -1 with errno ERANGE where more than that is in use now: the limit holds
 * nevertheless. */
CMEM_API int cmem_set_limit(size_t bytes);

/* Blocks of one size class. */
struct cmem_class_stats {
    uint64_t mallocs, frees; /* ever allocated, and ever freed */
};

/* What the heap holds, in bytes unless said otherwise. At rest (no other thread in the library)
 * these sums hold:
 *   heap_sys   = heap_inuse + heap_idle
 *   heap_inuse = live_bytes + magazine_bytes + thread_cache_bytes + central_free_bytes
 * While other threads run each figure is right within what they are doing. */
struct cmem_stats {
    uint32_t struct_size; /* set by the caller: sizeof(struct cmem_stats); only so much is written */
    uint32_t version;     /* set by the library: 1 */

    uint64_t heap_sys;      /* address space held from malloc, in regions */
    uint64_t heap_inuse;    /* spans that hold, or were carved into, blocks */
    uint64_t heap_idle;     /* free spans, resident or given back */
    uint64_t heap_released; /* the part of heap_idle that was given back to the operating system */

    uint64_t live_bytes;         /* blocks in the caller's hands, at their class's size */
    uint64_t live_blocks;        /* their number */
    uint64_t magazine_bytes;     /* free blocks in Go's per-P magazines */
    uint64_t thread_cache_bytes; /* free blocks in the thread caches of C callers */
    uint64_t central_free_bytes; /* free blocks in spans that also hold blocks in use */

    uint64_t metadata_sys; /* the library's own pages, outside heap_sys (address space; resident is less) */
    uint64_t regions;      /* number of regions */

    uint64_t total_alloc; /* bytes ever allocated */
    uint64_t mallocs;     /* blocks ever allocated */
    uint64_t frees;       /* blocks ever freed */

    uint64_t scavenges;       /* how often free pages were given back, by whichever call or thread */
    uint64_t scavenged_bytes; /* bytes of those pages in all */
    uint64_t moved_bytes;     /* in resident pages moved to where they were needed, not faulted in */

    uint64_t huge_bytes;   /* live blocks of no size class, in whole pages; part of live_bytes */
    uint64_t huge_blocks;  /* their number */
    uint64_t huge_mallocs; /* those ever allocated */

    struct cmem_class_stats by_size[CMEM_NUM_CLASSES]; /* by size class (cmem_class_info) */

    uint64_t transfer_bytes; /* the part of central_free_bytes in transfer lists, between Go's caches */
};

/* Fills *out, whose struct_size the caller has set. As the type has the function's name, C++ too
 * has to say `struct cmem_stats`. */
CMEM_API void cmem_stats(struct cmem_stats *out);

/* Writes to fd what the heap is made of: a line for each span, a run of pages, by rising address,
 * below a line with the columns' names:
 *   address   where it begins
 *   pages     its length, in pages of 4 KiB
 *   kind      what it was carved into: "small" (many blocks), "large" (one of a size class), "huge"
 *             (one of no class); "-": it is free
 *   state     "inuse"; or it is free: "free" (resident), "released" (given back to the operating
 *             system, in part at least), "untouched" (never used), "releasing" (on its way there)
 *   block     bytes a block
 *   blocks    how many there is room for
 *   live      how many of them are in callers' hands
 *   cached    how many are free in caches of threads and Ps, and in transfer lists
 *   idle      seconds since it was last freed, or given back
 *   released  pages that are not resident: all of a span that is released or untouched, else 0
 * At rest the columns' sums are those of cmem_stats: pages are heap_sys, those in use heap_inuse,
 * released heap_released, block * live live_bytes.
 *
 * Other threads go on meanwhile. The heap is locked for some 20 spans at a time, and not while
 * anything is written; so what changes between two such steps may be told as it was or as it is, or
 * left out, but nothing is told twice. Needs no memory and no stdio. Returns 0 (errno is kept), or
 * -1 with errno as write has it (EBADF, EPIPE, EAGAIN, ENOSPC ...): some lines may be written
 * then. */
CMEM_API int cmem_spans(int fd);

/* One row of the size-class table. */
struct cmem_class_info {
    size_t size;       /* bytes a block */
    size_t span_bytes; /* bytes a span: the run of pages that blocks of this class are carved from */
    size_t blocks;     /* blocks a span */
    size_t min_size;   /* the smallest request that this class serves */
};

/* Describes class number cls, 0 to CMEM_NUM_CLASSES-1, in *out. Returns 0, or -1 with errno
 * EINVAL. */
CMEM_API int cmem_class_info(unsigned cls, struct cmem_class_info *out);

#ifdef __cplusplus
}
#endif

#endif /* CMEM_H */
