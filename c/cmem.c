//go:build linux && (amd64 || arm64 || riscv64)

/* cmem.c: the public functions, the fast path of C threads, and what becomes of their caches. */
#include "base.h"
#include "block.h"
#include "cache.h"
#include "central.h"
#include "check.h"
#include "cmem.h"
#include "direct.h"
#include "large.h"
#include "lock.h"
#include "meta.h"
#include "pageheap.h"
#include "pagemap.h"
#include "panic.h"
#include "report.h"
#include "scavenger.h"
#include "sizeclass.h"
#include "span.h"
#include "start.h"
#include "tool.h"
#include "transfer.h"

#include <errno.h>
#include <string.h>
#ifdef __GLIBC__
#include <dlfcn.h>
#include <link.h>
#endif

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

/* ------------------------------------------------------------------------------------------ thread caches */

/* NULL until the thread's first slow path, and again once it is dying. */
static __thread struct cmem__cache *my_cache NEAR_TLS;
static __thread bool my_cache_gone NEAR_TLS;

static pthread_key_t exit_key;
static bool have_exit_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* At a thread's end. Destructors that run later may still free: they find the cache gone and go the locked way. */
static void thread_exit(void *cache) {
    my_cache = NULL;
    my_cache_gone = true;
    cmem__cache_delete(cache);
}

/* -------------------------------------------------------------------------------------------------- start, fork */

static void fork_prepare(void) {
    cmem__cache_drain_lock();
    cmem__central_lock();
    cmem__pages_lock();
    cmem__cache_lock();
    cmem__meta_lock();
    cmem__forker = pthread_self();
}

static void fork_parent(void) {
    cmem__forker = 0;
    cmem__meta_unlock();
    cmem__cache_unlock();
    cmem__pages_unlock();
    cmem__central_unlock();
    cmem__cache_drain_unlock();
}

static void fork_child(void) {
    cmem__pages_after_fork();
    cmem__scavenger_after_fork();
    fork_parent();
}

#ifdef __GLIBC__
/* A static program has neither. */
#pragma weak dlsym
#pragma weak dladdr1
/* Threads, ours or those that have a cache, and blocks outlive the dlclose of a shared object that this library was linked into:
 * so it stays. (dlopen by its name would be warned of when a static program is linked.) */
static void stay_loaded(void) {
    Dl_info info;
    struct link_map *self = NULL; /* MemorySanitizer does not see that it is set */
    if (dlsym == NULL || dladdr1 == NULL) return;
    if (dladdr1(&exit_key, &info, (void **)&self, RTLD_DL_LINKMAP) == 0) return;
    if (self->l_name[0] == '\0') return; /* the program */
    void *(*open)(const char *, int);
    *(void **)&open = dlsym(RTLD_DEFAULT, "dlopen");
    if (open != NULL) (void)open(self->l_name, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}
#else
static void stay_loaded(void) {} /* musl unloads nothing */
#endif

static void init(void) {
    have_exit_key = pthread_key_create(&exit_key, thread_exit) == 0;
    (void)pthread_atfork(fork_prepare, fork_parent, fork_child);
    stay_loaded();
}

void cmem__init(void) { (void)pthread_once(&once, init); }

/* Before a program's own constructors: of prepare handlers the last one registered is called first, and theirs may wait for a thread
 * that waits for our locks. (GCC forgets the priority of a function that was declared before.) */
__attribute__((constructor(101))) static void at_start(void) { cmem__init(); }

/* ------------------------------------------------------------------------------------------ a thread's cache */

/* The calling thread's cache, made where it has none yet; NULL where it can't have one. */
static struct cmem__cache *thread_cache(void) {
    if (my_cache != NULL || my_cache_gone) return my_cache;
    cmem__init();
    struct cmem__cache *ch = have_exit_key ? cmem__cache_new(CACHE_THREAD) : NULL;
    if (ch == NULL) return NULL;
    if (pthread_setspecific(exit_key, ch) != 0) { /* nobody would flush it */
        cmem__cache_delete(ch);
        my_cache_gone = true;
        return NULL;
    }
    my_cache = ch;
    return ch;
}

/* ---------------------------------------------------------------------------------------- magazines, owner's side */

/* Only a debug build has caches while a tool watches, so that its tests see the tools with and without: pop and push of a release
 * tell them nothing. */

/* A block of class c for n bytes from ch, or NULL where its magazine is empty. */
static inline void *pop(struct cmem__cache *ch, unsigned c, size_t n) {
    struct cmem__magazine *m = &ch->mag[c];
    cache_enter(ch);
    if (unlikely(m->top == m->base)) {
        cache_leave(ch);
        return NULL;
    }
    struct cmem__entry *e = m->top - 1;
    insist(tag_get(e->tag) == TAG_CACHED, "cached block is in use (freed twice at the same time?)", e->block);
    tag_set(e->tag, c + 1);
    poke(m->top, e);
    poke(m->allocs, m->allocs + 1);
    ch->room += (int64_t)class_size(c);
    void *p = (void *)e->block;
    cache_leave(ch);
    if (CMEM_DEBUG) unpoison(p, n);
    return p;
}

/* Puts a block of class c into ch; false where the magazine or the cache is full. */
static inline bool push(struct cmem__cache *ch, unsigned c, struct cmem__entry e) {
    struct cmem__magazine *m = &ch->mag[c];
    cache_enter(ch);
    bool fits = likely(m->top != m->end && ch->room > 0);
    if (fits) {
        tag_set(e.tag, TAG_CACHED);
        if (CMEM_DEBUG) poison(e.block, class_size(c));
        *m->top = e;
        poke(m->top, m->top + 1);
        ch->room -= (int64_t)class_size(c);
    }
    cache_leave(ch);
    return fits;
}

/* Gives the k oldest blocks of ch's magazine c to central. */
static void give_oldest(struct cmem__cache *ch, unsigned c, size_t k) {
    struct cmem__magazine *m = &ch->mag[c];
    cmem__central_give(c, m->base, k);
    memmove(m->base, m->base + k, (size_t)((char *)m->top - (char *)(m->base + k)));
    poke(m->top, m->top - k);
    ch->room += (int64_t)(k * class_size(c));
}

/* Makes room in a full cache: half of the blocks go of the class of which most bytes lie there beyond one block, then of the
 * next such; so what the thread uses in turn stays, a block of each class at least if there is room for that. */
static void evict(struct cmem__cache *ch) {
    while (ch->room <= 0) {
        size_t most = 0;
        unsigned cls = NUM_CLASSES;
        for (unsigned c = 0; c < NUM_CLASSES; c++) {
            size_t have = (size_t)(ch->mag[c].top - ch->mag[c].base);
            if (have == 0 || (have - 1) * class_size(c) < most) continue;
            most = (have - 1) * class_size(c);
            cls = c;
        }
        if (cls == NUM_CLASSES) return;
        give_oldest(ch, cls, (size_t)(ch->mag[cls].top - ch->mag[cls].base + 1) / 2);
    }
}

/* Makes the magazine of class c where ch has none yet; false where memory is out. */
static bool magazine(struct cmem__cache *ch, unsigned c) {
    cache_enter(ch);
    bool ok = cmem__magazine_init(ch, c);
    cache_leave(ch);
    return ok;
}

/* The free of a block that push refused. */
static __attribute__((noinline)) void free_slow(unsigned c, struct cmem__entry e) {
    int saved = errno;
    struct cmem__cache *ch = thread_cache();
    tag_set(e.tag, TAG_CACHED);
    poison(e.block, class_size(c));
    if (ch == NULL || !magazine(ch, c)) {
        cmem__central_give(c, &e, 1);
        errno = saved;
        return;
    }
    struct cmem__magazine *m = &ch->mag[c];
    cache_enter(ch);
    cache_adopt(ch);
    if (m->top == m->end) give_oldest(ch, c, (size_t)(m->end - m->base + 1) / 2);
    if (ch->room <= 0) evict(ch);
    *m->top = e;
    poke(m->top, m->top + 1);
    ch->room -= (int64_t)class_size(c);
    cache_leave(ch);
    errno = saved;
}

/* Whether n bytes are better served by a span of just their pages than by a block of class c, and notes the class. */
static bool exact(struct cmem__cache *ch, unsigned c, size_t n) {
    size_t spare = class_pages(c) - ((n + PAGE_SIZE - 1) >> PAGE_SHIFT);
    if (n < EXACT_MIN || spare == 0) return false;
    if (ch == NULL || spare > EXACT_SPARE >> PAGE_SHIFT) return true;
    uint32_t r = ch->recent;
    ch->recent = (r & 0xFF) << 8 | c;
    return (r & 0xFF) != c && r >> 8 != c;
}

/* Gives central what ch holds of EXACT_MIN and more, so that a block of another such class can be made of it. */
static void give_large(struct cmem__cache *ch) {
    cache_enter(ch);
    for (unsigned c = class_of(EXACT_MIN); c < NUM_CLASSES; c++) {
        struct cmem__magazine *m = &ch->mag[c];
        if (m->top != m->base) give_oldest(ch, c, (size_t)(m->top - m->base));
    }
    cache_leave(ch);
}

/* How many blocks of class c to fetch: one for the caller, the others as ch has room. */
static size_t wanted(struct cmem__cache *ch, unsigned c) {
    cache_enter(ch);
    cache_adopt(ch);
    int64_t room = ch->room;
    cache_leave(ch);
    if (room <= 0) return 1;
    size_t fits = (size_t)room / class_size(c) + 1, refill = class_refill(c);
    return refill < fits ? refill : fits;
}

/* Before an allocation of npages fails for want of memory, or for the limit: gives back what the thread's cache holds and
 * every free page and region, and returns true for one more try. More than the whole heap would not come of that: whoever
 * asks for it by mistake, or for a stranger, is not to cost the others their resident memory. */
static __attribute__((cold)) bool reclaim(size_t npages) {
    if (npages > cmem__pages_sys()) return false;
    (void)cmem_scavenge(0);
    return true;
}

/* cmem__pages_alloc, once more after a reclaim. */
static struct cmem__span *span_alloc(size_t npages, size_t align_pages, enum cmem__kind kind, unsigned c) {
    struct cmem__span *s = cmem__pages_alloc(npages, align_pages, kind, c);
    if (likely(s != NULL) || !reclaim(npages)) return s;
    return cmem__pages_alloc(npages, align_pages, kind, c);
}

/* A block of class c for n bytes when the magazine is empty: refills it. */
static __attribute__((noinline)) void *alloc_slow(unsigned c, size_t n, bool *zeroed) {
    struct cmem__entry e[MAX_REFILL];
    struct cmem__cache *ch = thread_cache();
    if (ch != NULL && n >= EXACT_MIN) give_large(ch);
    if (exact(ch, c, n)) return cmem__huge_alloc(n, 1, zeroed);
    if (ch != NULL && !magazine(ch, c)) ch = NULL;
    size_t size = class_size(c), got = cmem__central_fetch(c, e, ch != NULL ? wanted(ch, c) : 1, zeroed);
    if (unlikely(got == 0)) {
        if (reclaim(class_pages(c))) got = cmem__central_fetch(c, e, 1, zeroed);
        if (got == 0) return NULL;
    }
    if (ch == NULL) {
        cmem__cache_count_alloc(c, 1);
    } else {
        struct cmem__magazine *m = &ch->mag[c];
        cache_enter(ch);
        for (size_t i = 1; i < got; i++) m->top[got - 1 - i] = e[i]; /* the lowest address on top */
        poke(m->top, m->top + got - 1);
        poke(m->allocs, m->allocs + 1);
        ch->room -= (int64_t)((got - 1) * size);
        cache_leave(ch);
    }
    tag_set(e[0].tag, c + 1);
    unpoison(e[0].block, n);
    return (void *)e[0].block;
}

/* ---------------------------------------------------------------------------------------------- allocation */

static inline void *alloc_class(unsigned c, size_t n) {
    struct cmem__cache *ch = my_cache;
    void *p;
    if (likely(ch != NULL) && likely((p = pop(ch, c, n)) != NULL)) return p;
    return alloc_slow(c, n, NULL);
}

static bool too_large(size_t n) {
    if (likely(n <= PTRDIFF_MAX - PAGE_SIZE)) return false;
    errno = ENOMEM;
    return true;
}

void *cmem__huge_alloc(size_t n, size_t align_pages, bool *zeroed) {
    if (too_large(n)) return NULL;
    struct cmem__span *s = span_alloc((n + PAGE_SIZE - 1) >> PAGE_SHIFT, align_pages, SPAN_HUGE, 0);
    if (s == NULL) return NULL;
    if (zeroed != NULL) *zeroed = s->zeroed;
    tag_set(pagemap_tag(s->base), TAG_HUGE);
    unpoison(s->base, n);
    return (void *)s->base;
}

void *cmem_alloc(size_t n) {
    if (likely(n - 1 < CMEM_MAX_CLASS_SIZE)) return alloc_class(class_of(n), n);
    return n == 0 ? alloc_class(0, 1) : cmem__huge_alloc(n, 1, NULL);
}

/* Zeroes p unless its pages are known to be zero. */
static void *zero(void *p, size_t n, bool zeroed) {
    if (p == NULL) return NULL;
    if (zeroed) {
        unpoison_zeroed(p, n);
#if CMEM_DEBUG
        for (size_t i = 0; i < n; i++)
            insist(((unsigned char *)p)[i] == 0, "page known to be zero is not", (uintptr_t)p + i);
#endif
        return p;
    }
    unpoison(p, n);
    memset(p, 0, n);
    wrote(p, n);
    return p;
}

static void *calloc_class(unsigned c, size_t n) {
    struct cmem__cache *ch = my_cache;
    void *p;
    if (ch != NULL && (p = pop(ch, c, n)) != NULL) return zero(p, n, false);
    bool zeroed = false;
    p = alloc_slow(c, n, &zeroed);
    return zero(p, n, zeroed);
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
    void *p = cmem__huge_alloc(n, 1, &zeroed);
    return zero(p, n, zeroed);
}

void *cmem__calloc_direct(size_t n) {
    bool zeroed = false;
    if (n > CMEM_MAX_CLASS_SIZE || exact(NULL, class_of(n), n)) {
        void *p = cmem__huge_alloc(n, 1, &zeroed);
        return zero(p, n, zeroed);
    }
    struct cmem__entry e;
    unsigned c = class_of(n);
    if (cmem__central_fetch(c, &e, 1, &zeroed) == 0) return NULL;
    cmem__cache_count_alloc(c, 1);
    tag_set(e.tag, c + 1);
    return zero((void *)e.block, n, zeroed);
}

uintptr_t cmem__fetch_one(unsigned c) {
    struct cmem__entry e;
    if (cmem__central_fetch(c, &e, 1, NULL) == 0) return 0;
    tag_set(e.tag, c + 1);
    return e.block;
}

/* A block of a page-aligned class at a multiple of more than a page. */
static void *alloc_large_aligned(size_t align_pages, size_t n) {
    unsigned c = class_of(n < LARGE_MIN ? LARGE_MIN : n);
    struct cmem__span *s = span_alloc(class_pages(c), align_pages, SPAN_LARGE, c);
    if (s == NULL) return NULL;
    cmem__central_count_out(c, 1);
    cmem__cache_count_alloc(c, 1);
    tag_set(pagemap_tag(s->base), c + 1);
    unpoison(s->base, n);
    return (void *)s->base;
}

void *cmem_aligned_alloc(size_t alignment, size_t n) {
    if (alignment == 0 || (alignment & (alignment - 1)) != 0) {
        errno = EINVAL;
        return NULL;
    }
    if (n == 0) n = 1;
    size_t align_pages = alignment <= PAGE_SIZE ? 1 : alignment >> PAGE_SHIFT;
    if (n > CMEM_MAX_CLASS_SIZE) return cmem__huge_alloc(n, align_pages, NULL);
    if (align_pages > 1) return alloc_large_aligned(align_pages, n);
    /* A span starts at a page, so any class whose size is a multiple of the alignment will do. */
    unsigned c = class_of(n);
    while (class_size(c) % alignment != 0) c++;
    return alloc_class(c, n);
}

/* ---------------------------------------------------------------------------------------------------- free */

/* The class of the live block at p; NUM_CLASSES or more (its tag - 1) where there is none, or it is huge, attached or owned.
 * *tag is where its tag lies, NULL where no block can start. The class of a small block is in the pagemap's tag and in
 * its own: whether it is live is a branch that the processor predicts, but where to put it has to be waited for, so it
 * is taken from the one that comes first. */
static inline unsigned find_live(uintptr_t p, cmem__tag **tag) {
    *tag = NULL;
    struct cmem__leaf *l = pagemap_leaf(p);
    if (unlikely(l == NULL)) return NUM_CLASSES;
    union cmem__page *e = &l->page[leaf_index(p)];
    /* Not of the whole word: a store to the byte just before could not be forwarded to that. */
    unsigned page = atomic_load_explicit(&e->tag, memory_order_acquire), small = page - TAG_SMALL;
    if (small < NUM_SMALL) {
        struct cmem__span *s = page_span(e);
        if (unlikely(s == NULL)) return NUM_CLASSES; /* it is being taken apart */
        unsigned i = small_tag(s, p);
        if (unlikely(i >= SPAN_TAGS)) return NUM_CLASSES;
        *tag = &s->tags[i];
        unsigned own = tag_get(*tag);
        if (likely(own == small + 1)) return small;
        return own > NUM_CLASSES ? own - 1 : NUM_CLASSES;
    }
    if (unlikely((p & (PAGE_SIZE - 1)) != 0)) return NUM_CLASSES;
    *tag = &e->tag;
    return page - 1; /* TAG_NONE wraps around */
}

/* What find_live has returned of p, or where that is attached or owned, the class in the block's span. */
static unsigned class_or_span(uintptr_t p, unsigned c) {
    if (c + 1 != TAG_ATTACHED && c + 1 != TAG_OWNED) return c;
    struct cmem__span *s = pagemap_span(p);
    return s == NULL || s->kind == SPAN_HUGE ? c : s->cls; /* no span: it is being freed at this moment */
}

/* Frees the live block at p past every cache; c and tag are what find_live said. */
static bool free_past_caches(uintptr_t p, unsigned c, cmem__tag *tag) {
    c = class_or_span(p, c);
    if (c >= NUM_CLASSES) return cmem__huge_free(p);
    struct cmem__entry e = {p, tag};
    tag_set(tag, TAG_CACHED);
    poison(p, class_size(c));
    cmem__central_give(c, &e, 1);
    return true;
}

bool cmem__free_direct(uintptr_t p) {
    cmem__tag *tag;
    unsigned c = find_live(p, &tag);
    return c + 1 != TAG_OWNED && free_past_caches(p, c, tag); /* read once: its owner may free it now */
}

bool cmem__free_owned(uintptr_t p) {
    cmem__tag *tag;
    unsigned c = find_live(p, &tag);
    return free_past_caches(p, c, tag);
}

static __attribute__((noinline)) void free_other(uintptr_t p, const char *func) {
    int saved = errno;
    if (p != 0 && !cmem__free_direct(p)) cmem__misuse(func, USE_FREES, p);
    errno = saved;
}

void cmem_free(void *p) {
    struct cmem__entry e = {(uintptr_t)p, NULL};
    unsigned c = find_live(e.block, &e.tag);
    if (unlikely(c >= NUM_CLASSES)) {
        free_other(e.block, "cmem_free");
        return;
    }
    struct cmem__cache *ch = my_cache;
    if (likely(ch != NULL) && likely(push(ch, c, e))) return;
    free_slow(c, e);
}

/* The bytes of the live block that starts at p; 0 where none does, or one that is owned, unless those count. */
static size_t usable(uintptr_t p, bool owned) {
    cmem__tag *tag;
    unsigned c = find_live(p, &tag);
    if (tag == NULL || (c + 1 == TAG_OWNED && !owned)) return 0;
    c = class_or_span(p, c);
    if (c < NUM_CLASSES) return class_size(c);
    struct cmem__place at = cmem__locate(p);
    return at.where == WHERE_LIVE ? at.size : 0;
}

size_t cmem__usable(uintptr_t p) { return usable(p, true); }

size_t cmem_usable_size(const void *p) {
    if (p == NULL) return 0;
    size_t n = cmem__usable((uintptr_t)p);
    if (unlikely(n == 0)) cmem__misuse("cmem_usable_size", USE_KEEPS, (uintptr_t)p);
    return n;
}

/* ------------------------------------------------------------------------------------------------- realloc */

/* Cuts the tail off the large or huge block at p so that it holds n >= LARGE_MIN bytes. The block stays if that
 * does not work out. */
static void shrink(uintptr_t p, size_t n) {
    struct cmem__span *s = pagemap_span(p);
    bool was_huge = s->kind == SPAN_HUGE, huge = n > CMEM_MAX_CLASS_SIZE;
    if (tag_get(pagemap_tag(p)) == TAG_ATTACHED) return;
    unsigned old = s->cls, c = huge ? 0 : class_of(n);
    size_t pages = huge ? (n + PAGE_SIZE - 1) >> PAGE_SHIFT : class_pages(c);
    if (!cmem__pages_trim(s, pages) || huge) return;
    cmem__pages_reclass(s, SPAN_LARGE, c);
    tag_set(pagemap_tag(p), c + 1);
    if (!was_huge) cmem__central_count_out(old, -1);
    cmem__central_count_out(c, 1);
}

void *cmem_realloc(void *p, size_t n) {
    if (p == NULL) return cmem_alloc(n);
    size_t have = usable((uintptr_t)p, false);
    if (unlikely(have == 0)) cmem__misuse("cmem_realloc", USE_KEEPS, (uintptr_t)p);
    if (n <= have) {
        if (have >= 2 * LARGE_MIN && n >= LARGE_MIN && n < have / 2) {
            shrink((uintptr_t)p, n);
            have = cmem__usable((uintptr_t)p); /* what was cut off may be somebody else's by now */
        }
        if (have < 2 * LARGE_MIN || n >= LARGE_MIN) {
            unpoison_resize(p, n, have);
            return p;
        }
    }
    void *q = cmem_alloc(n);
    if (q == NULL) return NULL;
    size_t keep = n < have ? n : have;
    unpoison_tail(p, keep);
    memcpy(q, p, keep);
    cmem_free(p);
    return q;
}

/* --------------------------------------------------------------------------------------------------- batch */

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
    struct cmem__cache *ch = my_cache;
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
        if (reclaimed || !reclaim(class_pages(c))) {
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

/* -------------------------------------------------------------------------------------------------- attach */

bool cmem__attach(uintptr_t p) {
    cmem__tag *tag = NULL;
    unsigned c = find_live(p, &tag);
    if (tag == NULL || !(c < NUM_CLASSES || c + 1 == TAG_HUGE)) return false;
    tag_set(tag, TAG_ATTACHED);
    return true;
}

bool cmem__is_attached(uintptr_t p) {
    cmem__tag *tag = NULL;
    return find_live(p, &tag) + 1 == TAG_ATTACHED;
}

/* --------------------------------------------------------------------------------------- scavenge and stats */

int cmem_set_limit(size_t bytes) {
    if (bytes == 0) bytes = SIZE_MAX;
    if (cmem__pages_limit(bytes) <= bytes) return 0;
    errno = ERANGE;
    return -1;
}

size_t cmem_scavenge(uint64_t idle_ns) {
    if (idle_ns == 0 && my_cache != NULL) {
        cache_enter(my_cache);
        cmem__cache_flush(my_cache);
        cache_leave(my_cache);
    }
    cmem__cache_drain(idle_ns);
    if (idle_ns == 0) cmem__transfer_trim(true);
    return cmem__pages_scavenge(idle_ns);
}

void cmem_stats(struct cmem_stats *out) {
    struct cmem_stats s = {.version = 1};
    cmem__pages_stats(&s);
    cmem__cache_stats(&s);
    s.central_free_bytes = cmem__central_free_bytes();
    s.metadata_sys = cmem__meta_bytes();
    s.frees = s.mallocs - s.live_blocks;
    size_t n = out->struct_size < sizeof s ? out->struct_size : sizeof s;
    s.struct_size = out->struct_size;
    memcpy(out, &s, n);
    wrote(out, n);
}

/* --------------------------------------------------------------------------------------------------- check */

#if CMEM_DEBUG
size_t cmem__check(bool quiescent) {
    size_t spans = cmem__pages_check();
    cmem__central_check();
    if (quiescent) cmem__cache_check();
    return spans;
}
#endif
