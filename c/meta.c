//go:build linux && (amd64 || arm64 || riscv64)

/* meta.c: memory for the library's own structures, from pages of its own.
 *
 * Nothing of ours comes from malloc but regions, so that span descriptors do not scatter over
 * glibc's per-thread arenas and keep those from being trimmed. Chunks are never given back; what is
 * freed is reused by size.
 */
#include "base.h"
#include "lock.h"
#include "meta.h"
#include "os.h"
#include "panic.h"

#include <string.h>

#define META_CHUNK ((size_t)256 << 10)
#define META_ALIGN ((size_t)64)
#define META_MAX ((size_t)8 << 10) /* larger pieces are mapped on their own */

struct spare {
    struct spare *next;
};

static struct {
    struct cmem__lock lock;
    uintptr_t at, end; /* what is left of the newest chunk */
    struct spare *spare[META_MAX / META_ALIGN + 1];
} meta = {.lock = LOCK_INIT(RANK_META)};

static _Atomic size_t mapped;

void *cmem__meta_map(size_t bytes) {
    size_t page = cmem__os_page_size();
    bytes = (bytes + page - 1) & ~(page - 1);
    void *p = cmem__os_map(bytes);
    if (p != NULL) atomic_fetch_add_explicit(&mapped, bytes, memory_order_relaxed);
    return p;
}

static size_t round_up(size_t bytes) { return (bytes + META_ALIGN - 1) & ~(META_ALIGN - 1); }

/* The line at a page's start is in the set of the first-level cache that the starts of most blocks
 * are in. Some processors (AMD's since 2011) tell the lines of a set by a hash of their addresses
 * and keep but one of those that look alike: a cache's first line that looked like the block's made
 * a pair of Alloc and Free take 16 ns, not 7, in one process of five (docs/performance.md). So no
 * piece begins there. */
static uintptr_t off_page_start(uintptr_t a) { return a % PAGE_SIZE == 0 ? a + META_ALIGN : a; }

/* Under the lock: a piece from the spare ones or the chunk; NULL where neither has it. */
static void *take(size_t bytes) {
    struct spare *s = meta.spare[bytes / META_ALIGN];
    if (s != NULL) {
        meta.spare[bytes / META_ALIGN] = s->next;
        memset(s, 0, bytes);
        return s;
    }
    uintptr_t a = off_page_start(meta.at);
    if (a + bytes > meta.end) return NULL;
    meta.at = a + bytes;
    return (void *)a;
}

void *cmem__meta_alloc(size_t bytes) {
    bytes = round_up(bytes);
    if (bytes > META_MAX) return cmem__meta_map(bytes);
    lock(&meta.lock);
    void *p = take(bytes);
    unlock(&meta.lock);
    if (p != NULL) return p;

    void *chunk = cmem__meta_map(META_CHUNK);
    if (chunk == NULL) return NULL;
    lock(&meta.lock);
    /* The rest of the old chunk, smaller than META_MAX, becomes a spare piece of its size. */
    uintptr_t a = off_page_start(meta.at);
    if (a < meta.end && meta.end - a <= META_MAX) {
        struct spare *s = (void *)a;
        size_t i = (meta.end - a) / META_ALIGN;
        s->next = meta.spare[i];
        meta.spare[i] = s;
    }
    meta.at = (uintptr_t)chunk;
    meta.end = meta.at + META_CHUNK;
    p = take(bytes);
    unlock(&meta.lock);
    return p;
}

void cmem__meta_free(void *p, size_t bytes) {
    bytes = round_up(bytes);
    insist(bytes <= META_MAX, "metadata piece is too large to be freed", p);
    struct spare *s = p;
    lock(&meta.lock);
    s->next = meta.spare[bytes / META_ALIGN];
    meta.spare[bytes / META_ALIGN] = s;
    unlock(&meta.lock);
}

size_t cmem__meta_bytes(void) { return atomic_load_explicit(&mapped, memory_order_relaxed); }

void cmem__meta_lock(void) { lock(&meta.lock); }
void cmem__meta_unlock(void) { unlock(&meta.lock); }
