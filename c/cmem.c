//go:build linux && (amd64 || arm64 || riscv64)

/* cmem.c: the public functions, and the fast paths of C threads. */
#include "base.h"
#include "block.h"
#include "cache.h"
#include "central.h"
#include "cmem.h"
#include "large.h"
#include "magazine.h"
#include "meta.h"
#include "os.h"
#include "pageheap.h"
#include "release.h"
#include "report.h"
#include "scavenger.h"
#include "sizeclass.h"
#include "span.h"
#include "spans.h"
#include "start.h"
#include "thread.h"
#include "tool.h"
#include "transfer.h"
#include "uncached.h"

#include <errno.h>
#include <string.h>

#define STR(x) #x
#define VERSION(a, b, c) STR(a) "." STR(b) "." STR(c)

int cmem_version(void) { return CMEM_VERSION_NUMBER; }
const char *cmem_version_string(void) {
    return VERSION(CMEM_VERSION_MAJOR, CMEM_VERSION_MINOR, CMEM_VERSION_PATCH);
}

int cmem_class_info(unsigned cls, struct cmem_class_info *out) {
    if (cls >= NUM_CLASSES) {
        errno = EINVAL;
        return -1;
    }
    out->size = class_size(cls);
    out->span_bytes = class_pages(cls) << PAGE_SHIFT;
    out->blocks = class_blocks(cls);
    out->min_size = cls == 0 ? 0 : class_size(cls - 1) + 1;
    wrote(out, sizeof *out);
    return 0;
}

/* ----------------------------------------------------------------------------------- allocation */

static inline void *alloc_class(unsigned c, size_t n) {
    struct cmem__cache *ch = cmem__my_cache;
    void *p;
    if (likely(ch != NULL) && likely((p = pop(ch, c, n)) != NULL)) return p;
    return cmem__alloc_slow(c, n, NULL);
}

void *cmem_alloc(size_t n) {
    if (likely(n - 1 < CMEM_MAX_CLASS_SIZE)) return alloc_class(class_of(n), n);
    return n == 0 ? alloc_class(0, 1) : cmem__exact_alloc(n, 1, NULL);
}

static void *calloc_class(unsigned c, size_t n) {
    struct cmem__cache *ch = cmem__my_cache;
    void *p;
    if (ch != NULL && (p = pop(ch, c, n)) != NULL) return cmem__zero(p, n, false);
    bool zeroed = false;
    p = cmem__alloc_slow(c, n, &zeroed);
    return cmem__zero(p, n, zeroed);
}

void *cmem_calloc(size_t count, size_t size) {
    size_t n;
    if (__builtin_mul_overflow(count, size, &n)) {
        errno = ENOMEM;
        return NULL;
    }
    if (n == 0) n = 1;
    if (n <= CMEM_MAX_CLASS_SIZE) return calloc_class(class_of(n), n);
    bool zeroed = false;
    void *p = cmem__exact_alloc(n, 1, &zeroed);
    return cmem__zero(p, n, zeroed);
}

void *cmem_aligned_alloc(size_t alignment, size_t n) {
    if (alignment == 0 || (alignment & (alignment - 1)) != 0) {
        errno = EINVAL;
        return NULL;
    }
    if (n == 0) n = 1;
    size_t align_pages = alignment <= PAGE_SIZE ? 1 : alignment >> PAGE_SHIFT;
    if (n > CMEM_MAX_CLASS_SIZE) return cmem__exact_alloc(n, align_pages, NULL);
    if (align_pages > 1) return cmem__alloc_large_aligned(align_pages, n);
    /* A span starts at a page, so any class whose size is a multiple of the alignment will do. */
    unsigned c = class_of(n);
    while (class_size(c) % alignment != 0) c++;
    struct cmem__cache *ch = cmem__my_cache;
    void *p = ch != NULL ? pop(ch, c, n) : NULL;
    return p != NULL ? p : cmem__alloc_slow_aligned(c, n);
}

int cmem_posix_memalign(void **out, size_t alignment, size_t n) {
    if (alignment < sizeof *out || (alignment & (alignment - 1)) != 0) return EINVAL;
    int saved = errno;
    void *p = cmem_aligned_alloc(alignment, n);
    errno = saved;
    if (p == NULL) return ENOMEM;
    *out = p;
    wrote(out, sizeof *out);
    return 0;
}

/* ----------------------------------------------------------------------------------------- free */

static __attribute__((noinline)) void free_other(uintptr_t p, const char *func) {
    int saved = errno;
    if (p != 0) {
        if (!cmem__free_uncached(p)) cmem__misuse(func, USE_FREES, p);
        cmem__count_overflow();
    }
    errno = saved;
}

void cmem_free(void *p) {
    struct cmem__entry e = {(uintptr_t)p, NULL};
    unsigned c = find_live(e.block, &e.tag);
    if (unlikely(c >= NUM_CLASSES)) {
        free_other(e.block, "cmem_free");
        return;
    }
    struct cmem__cache *ch = cmem__my_cache;
    if (likely(ch != NULL) && likely(push(ch, c, e))) return;
    cmem__free_slow(c, e);
}

size_t cmem_usable_size(const void *p) {
    if (p == NULL) return 0;
    size_t n = cmem__usable((uintptr_t)p);
    if (unlikely(n == 0)) cmem__misuse("cmem_usable_size", USE_KEEPS, (uintptr_t)p);
    return n;
}

/* -------------------------------------------------------------------------------------- realloc */

/* cmem_realloc, for the public function of this name. */
static void *resize(void *p, size_t n, const char *func) {
    if (p == NULL) return cmem_alloc(n);
    size_t have = cmem__usable_unowned((uintptr_t)p);
    if (unlikely(have == 0)) cmem__misuse(func, USE_KEEPS, (uintptr_t)p);
    bool stays = n <= have && (have < 2 * LARGE_MIN || n >= LARGE_MIN);
    void *q = stays ? NULL : cmem_alloc(n);
    if (q == NULL && n <= have) { /* less memory is to be had even where there is no more */
        if (stays && have >= 2 * LARGE_MIN && n < have / 2)
            cmem__shrink((uintptr_t)p, n);
        else
            unpoison_resize(p, n, have);
        return p;
    }
    if (q == NULL) return NULL;
    size_t keep = n < have ? n : have;
    unpoison_tail(p, keep);
    memcpy(q, p, keep);
    cmem_free(p);
    return q;
}

void *cmem_realloc(void *p, size_t n) { return resize(p, n, "cmem_realloc"); }

void *cmem_reallocarray(void *p, size_t count, size_t size) {
    size_t n;
    if (__builtin_mul_overflow(count, size, &n)) {
        errno = ENOMEM;
        return NULL;
    }
    return resize(p, n, "cmem_reallocarray");
}

/* ---------------------------------------------------------------------------------------- batch */

#define BATCH 64

size_t cmem_alloc_batch(size_t n, void **out, size_t count) {
    if (n == 0) n = 1;
    size_t got = 0;
    if (n > CMEM_MAX_CLASS_SIZE) {
        while (got < count && (out[got] = cmem_alloc(n)) != NULL) got++;
        wrote(out, got * sizeof *out);
        return got;
    }
    unsigned c = class_of(n);
    bool reclaimed = false;
    struct cmem__cache *ch = cmem__my_cache;
    while (ch != NULL && got < count && (out[got] = pop(ch, c, n)) != NULL) got++;
    while (got < count) {
        struct cmem__entry e[BATCH];
        size_t want = count - got < BATCH ? count - got : BATCH;
        size_t k = cmem__central_fetch(c, e, want, NULL);
        cmem__cache_count_alloc(c, k);
        for (size_t i = 0; i < k; i++) {
            tag_set(e[i].tag, c + 1);
            unpoison(e[i].block, n);
            out[got++] = (void *)e[i].block;
        }
        if (k == want) continue;
        if (reclaimed || !cmem__reclaim(class_pages(c))) {
            errno = ENOMEM;
            break;
        }
        reclaimed = true;
    }
    wrote(out, got * sizeof *out);
    return got;
}

void cmem_free_batch(void *const *p, size_t count) {
    int saved = errno;
    struct cmem__entry e[BATCH];
    size_t n = 0;
    unsigned run = 0; /* the class of e[0..n) */
    for (size_t i = 0; i < count; i++) {
        uintptr_t a = (uintptr_t)p[i];
        cmem__tag *tag;
        unsigned c = find_live(a, &tag);
        if (c >= NUM_CLASSES) {
            free_other(a, "cmem_free_batch");
            continue;
        }
        tag_set(tag, TAG_CACHED);
        poison(a, class_size(c));
        if (n == BATCH || (n > 0 && c != run)) {
            cmem__central_give(run, e, n);
            n = 0;
        }
        run = c;
        e[n++] = (struct cmem__entry){a, tag};
    }
    if (n > 0) cmem__central_give(run, e, n);
    errno = saved;
}

/* ------------------------------------------------------------------ limit, scavenge, statistics */

int cmem_set_limit(size_t bytes) {
    if (bytes == 0) bytes = SIZE_MAX;
    if (cmem__pages_limit(bytes) <= bytes) return 0;
    errno = ERANGE;
    return -1;
}

size_t cmem_scavenge(uint64_t idle_ns) { return cmem__scavenge(idle_ns); }

int cmem_scavenger_start(uint64_t idle_ns) {
    cmem__init();
    return cmem__scavenger_start(idle_ns);
}

void cmem_scavenger_stop(void) { cmem__scavenger_stop(); }

int cmem_spans(int fd) {
    char text[SPANS_TEXT];
    size_t n;
    for (uintptr_t from = 0; (n = cmem__spans_text(&from, text)) > 0;)
        if (!cmem__os_write(fd, text, n)) return -1;
    return 0;
}

/* Go reads these too. */
assert_offset(struct cmem_stats, struct_size, 0);
assert_offset(struct cmem_stats, version, 4);
assert_offset(struct cmem_stats, heap_sys, 8);
assert_offset(struct cmem_stats, heap_inuse, 16);
assert_offset(struct cmem_stats, heap_idle, 24);
assert_offset(struct cmem_stats, heap_released, 32);
assert_offset(struct cmem_stats, live_bytes, 40);
assert_offset(struct cmem_stats, live_blocks, 48);
assert_offset(struct cmem_stats, magazine_bytes, 56);
assert_offset(struct cmem_stats, thread_cache_bytes, 64);
assert_offset(struct cmem_stats, central_free_bytes, 72);
assert_offset(struct cmem_stats, metadata_sys, 80);
assert_offset(struct cmem_stats, regions, 88);
assert_offset(struct cmem_stats, total_alloc, 96);
assert_offset(struct cmem_stats, mallocs, 104);
assert_offset(struct cmem_stats, frees, 112);
assert_offset(struct cmem_stats, scavenges, 120);
assert_offset(struct cmem_stats, scavenged_bytes, 128);
assert_offset(struct cmem_stats, moved_bytes, 136);
assert_offset(struct cmem_stats, huge_bytes, 144);
assert_offset(struct cmem_stats, huge_blocks, 152);
assert_offset(struct cmem_stats, huge_mallocs, 160);
assert_offset(struct cmem_stats, by_size, 168);
assert_offset(struct cmem_stats, transfer_bytes, 2472);
assert_size(struct cmem_stats, 2480);

void cmem_stats(struct cmem_stats *out) {
    struct cmem_stats s = {.version = 1};
    cmem__pages_stats(&s);
    cmem__cache_stats(&s);
    s.central_free_bytes = cmem__central_free_bytes();
    s.transfer_bytes = cmem__transfer_bytes();
    s.metadata_sys = cmem__meta_bytes();
    s.frees = s.mallocs - s.live_blocks;
    size_t n = out->struct_size < sizeof s ? out->struct_size : sizeof s;
    s.struct_size = out->struct_size;
    memcpy(out, &s, n);
    wrote(out, n);
}
