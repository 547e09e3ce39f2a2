/* os.h: the operating system and the malloc below us.
 *
 * Lock: none. Callers hold none either, as these functions make system calls; but cmem__now and
 * cmem__os_page_size make none, and lock.h names two exceptions. Called by the page heap for the
 * memory of blocks, by meta.c for the library's own, and by all for clocks, waits and barriers.
 */
#ifndef CMEM_OS_H
#define CMEM_OS_H

#include "base.h"

#include <stdatomic.h>
#include <stdbool.h>

/* Regions start at a multiple of this and their size is one (ASan insists on the latter). */
#define REGION_ALIGN ((size_t)64 << 10)

/* The first region is small and is never given back: glibc may serve it from brk. */
#define REGION_FIRST ((size_t)1 << 20)

/* Later ones are over 32 MiB, the bound of glibc's dynamic mmap threshold, so that free really
 * unmaps them. */
#define REGION_SIZE (((size_t)32 << 20) + REGION_ALIGN)

/* Address space for a region from the malloc family. *releasing tells whether pages that are given
 * back read as zero there, as all of it does then; *movable whether cmem__os_move may be used
 * there. NULL with errno ENOMEM. */
void *cmem__os_region_new(size_t bytes, bool *releasing, bool *movable);
void cmem__os_region_delete(void *p, size_t bytes);

/* Gives whole pages back to the operating system: in regions that release they read as zero
 * afterwards. False where it refuses (locked pages, seccomp). Keeps errno. */
bool cmem__os_release(uintptr_t base, size_t bytes);

/* Whether one of the whole pages there is resident: LOOK_PAGES at most. They may be nobody's. Keeps
 * errno. */
#define LOOK_PAGES ((size_t)512)
bool cmem__os_any_resident(uintptr_t base, size_t bytes);

/* Has the kernel make no huge pages there from now on. Keeps errno. */
void cmem__os_small_pages(uintptr_t base, size_t bytes);

/* Resident pages are moved in pieces of this many, at multiples of it. A call takes 6 us, and some
 * 20 us while another CPU runs the program; to give as many pages back and fault them in takes 55
 * us. */
#define MOVE_PAGES ((size_t)32)

enum cmem__moved {
    MOVED,
    MOVE_REFUSED, /* both places are as they were or fresh, in whole or in part; as they were where memory is locked */
    MOVE_LOST, /* the new place is not mapped any more: nobody may touch it */
};

/* Moves the resident pages of whole pieces at `from` to `to`, both ours: what was resident at `to`
 * goes back to the operating system, and `from` reads as zero. Keeps errno. */
enum cmem__moved cmem__os_move(uintptr_t from, uintptr_t to, size_t bytes);

/* Sleeps while *word is `value`, for ns nanoseconds of the monotonic clock at most; may return
 * early. Unlike a condition variable it is no cancellation point, and keeps no count of waiters
 * that a child of fork would inherit. Keeps errno. */
void cmem__os_wait(_Atomic uint32_t *word, uint32_t value, uint64_t ns);
void cmem__os_wake(_Atomic uint32_t *word); /* everybody who waits, after *word has changed */
#define NO_TIMEOUT UINT64_MAX

/* Has every thread of the process that is running pass a full memory barrier; false where the
 * kernel has no such call. */
bool cmem__os_barrier(void);

/* Writes all of it. False with errno where write fails; that is called again after EINTR, and is no
 * cancellation point here. */
bool cmem__os_write(int fd, const void *buf, size_t n);

void *cmem__os_map(size_t bytes);
size_t cmem__os_page_size(void);
uint64_t cmem__now(void);      /* nanoseconds of the monotonic clock, which ticks once in 1 to 4 ms */
uint64_t cmem__now_fine(void); /* the same, with all digits: some 25 ns more */

#endif /* CMEM_OS_H */
