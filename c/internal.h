/* internal.h: the types the parts of libcmem share, and the design in short.
 *
 * Memory flows one way, caller -> cache -> central list -> page heap -> region -> malloc, and back. A lower layer
 * never calls a higher one.
 *
 *   cache       magazines of free blocks, one a size class: a C thread's own (TLS) or a Go P's own. No locks.
 *   central     per size class: the spans that still have free blocks. One lock a class. Only for small classes;
 *               a block of a large class is a span of its own and goes straight to the page heap.
 *   page heap   free runs of pages, in extents; where most is resident and least of an extent is left. One lock.
 *   region      64 KiB-aligned pieces of address space from aligned_alloc.
 *
 * Beside them: the pagemap (address -> tag and span), the metadata pages (meta.c), misuse reports (report.c).
 *
 * Whether a block is live is told by one byte outside the block, its tag. For a block of a large class or a huge
 * block it is the pagemap's tag of its first page, so a free costs two dependent loads; for a small block it is in
 * the span's tags. Nothing is ever stored inside free memory: a write after free cannot corrupt the allocator, and free
 * pages can be purged or poisoned whole. Every allocation and every free writes the block's tag, so tags lie as far apart
 * as is cheap: were those that two CPUs write in one cache line, a pair of calls would take twice as long.
 *
 * Names: cmem_ is public, cmem__ is shared between files, statics have no prefix.
 */
#ifndef CMEM_INTERNAL_H
#define CMEM_INTERNAL_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* adaptive mutexes; NOLINT: the name is the C library's */
#endif
#include "cmem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
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

/* A thread's variable that takes one instruction to reach. glibc keeps room for such of libraries that are opened late; musl does
 * not, and refuses to open them: there a shared library has to call for its address. */
#ifdef __GLIBC__
#define NEAR_TLS __attribute__((tls_model("initial-exec")))
#else
#define NEAR_TLS
#endif

/* ------------------------------------------------------------------------------------------------ limits */

#define PAGE_SHIFT 12
#define PAGE_SIZE ((size_t)1 << PAGE_SHIFT)

/* Regions start at a multiple of this and their size is one (ASan insists on the latter). */
#define REGION_ALIGN ((size_t)64 << 10)
#define REGION_ALIGN_PAGES (REGION_ALIGN >> PAGE_SHIFT)

/* The first region is small and is never given back: glibc may serve it from brk. */
#define REGION_FIRST ((size_t)1 << 20)

/* Later ones are over 32 MiB, the bound of glibc's dynamic mmap threshold, so that free really unmaps them. */
#define REGION_SIZE (((size_t)32 << 20) + REGION_ALIGN)

/* User addresses are below 2^48 on every machine supported, unless mmap is asked for more, which malloc never does. */
#define ADDR_BITS 48

/* Blocks below this size share a span; from it on a block is a span of its own, page-aligned. */
#define LARGE_MIN ((size_t)32 << 10)

/* A block of at least this much, for which its class has more pages than it needs, gets a huge block's span of just
 * those it needs. A magazine could not hold it; so where a cache has been asked for its class lately, and may be again,
 * the block is one of the class. */
#define EXACT_MIN ((size_t)256 << 10)

/* But one of the class may have no more than this to spare: beyond, every block is exact, however often its class is asked for. (With
 * buffers of 5 to 10 MB in use this is 4 % of the memory, and the page heap's 0.3 us are nothing beside writing them.) */
#define EXACT_SPARE ((size_t)128 << 10)

/* -------------------------------------------------------------------------------------------- size classes
 *
 * 16 B steps up to 256 B, then 8 steps a doubling. With m = n - 1 and e = max(4, floor(log2 m) - 3), the class of
 * n is 8 (e - 4) + (m >> e) and its block size ((m >> e) + 1) << e: a handful of instructions, no table.
 * From 129 B on no block is more than 12.5 % larger than what was asked for (worst: 1/9 = 11.1 %).
 * As every size is k << e with k <= 16, a span of k pages holds exactly 2^(12-e) blocks: no tail is wasted. */

#define NUM_CLASSES CMEM_NUM_CLASSES
#define NUM_SMALL 71 /* classes 0..70: 16 B to 30 KiB */

static inline unsigned class_shift(size_t m) { return 60u - (unsigned)__builtin_clzl(m | 128); }

/* The size class of n, 1 <= n <= CMEM_MAX_CLASS_SIZE. */
static inline unsigned class_of(size_t n) {
    size_t m = n - 1;
    unsigned e = class_shift(m);
    return (e - 4) * 8 + (unsigned)(m >> e);
}

/* For class c: the exponent e and the count k of its block size k << e. */
static inline unsigned class_e(unsigned c) { return c < 16 ? 4 : 3 + c / 8; }
static inline unsigned class_k(unsigned c) { return c < 16 ? c + 1 : 9 + c % 8; }
static inline size_t class_size(unsigned c) { return (size_t)class_k(c) << class_e(c); }
static inline bool class_is_small(unsigned c) { return c < NUM_SMALL; }

/* Pages and blocks of a span of class c. */
static inline size_t class_pages(unsigned c) {
    return class_is_small(c) ? class_k(c) : class_size(c) >> PAGE_SHIFT;
}
static inline unsigned class_blocks(unsigned c) {
    return class_is_small(c) ? 1u << (PAGE_SHIFT - class_e(c)) : 1;
}

/* How many blocks an empty magazine of class c is refilled with: half a span's, but 64 at most, so that of a new span it gets the
 * tags of whole cache lines. */
#define MAX_REFILL 64
static inline unsigned class_refill(unsigned c) {
    unsigned n = class_is_small(c) ? class_blocks(c) / 2 : 1;
    return n < MAX_REFILL ? n : MAX_REFILL;
}

/* The most blocks of class c that one magazine holds: 256 KiB worth, 16 to 64, and two refills. */
#define MAX_MAGAZINE (2 * MAX_REFILL)
static inline unsigned class_magazine(unsigned c) {
    size_t n = ((size_t)256 << 10) / class_size(c);
    n = n > 64 ? 64 : n < 16 ? 16 : n;
    size_t two = (size_t)2 * class_refill(c);
    return (unsigned)(n > two ? n : two);
}

/* ---------------------------------------------------------------------------------------------------- tags */

/* A tag is one byte: 0, the class + 1 of the live block that starts here, or one of these. */
#define TAG_NONE 0        /* no block starts here, or a free one that the central list or page heap holds */
#define TAG_OWNED 0xFB    /* a live block of a Go handle or arena: its class is in the span */
#define TAG_ATTACHED 0xFC /* a live block that Go's Attach hangs on an owner: its class is in the span */
#define TAG_HUGE 0xFD     /* a live huge block: over 16 MiB, or of a length that is no class's */
#define TAG_SMALL \
    160 /* pagemap only: + class, a page of a small span; its blocks' tags are in its state array */
#define TAG_CACHED 0xFF /* a free block that sits in a cache */

/* Written by whoever owns the block at the time (caller, cache or lock holder), read by anybody who passes the
 * address to cmem_free: relaxed order is enough, as a caller that has a block got it with an ordering of its own. */
typedef _Atomic uint8_t cmem__tag;

_Static_assert(NUM_CLASSES < TAG_SMALL && TAG_SMALL + NUM_SMALL <= TAG_OWNED, "tags are distinct");

#define tag_get(t) atomic_load_explicit((t), memory_order_relaxed)
#define tag_set(t, v) atomic_store_explicit((t), (uint8_t)(v), memory_order_relaxed)

/* Whoever owns a field (a cache's owner, a lock's holder) alone writes it, with poke; others read it for statistics, with
 * peek: plain moves both. What they see may be in the middle of a change; it is exact at rest. */
#define poke(field, value) __atomic_store_n(&(field), (value), __ATOMIC_RELAXED)
#define peek(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)

/* ---------------------------------------------------------------------------------------------------- locks */

/* Locks are taken in rising rank, those of one rank in rising address; a debug build aborts on any other order. No
 * lock is held across a system call, malloc or madvise. A fork takes them all, in this order; its thread may use the library even
 * so, for other atfork handlers do, and finds every lock its own. No call is a cancellation point: what waits, waits by
 * cmem__os_wait. */
enum {
    RANK_DRAIN = 50,    /* emptying the caches of other threads */
    RANK_CENTRAL = 100, /* one a small class */
    RANK_TRANSFER = 200,
    RANK_PAGEHEAP = 300,
    RANK_REGISTRY = 400,
    RANK_META = 500,
};

struct cmem__lock {
    pthread_mutex_t mutex;
    int rank;
};

/* All are held for less than it takes to sleep and be woken: whoever finds one taken tries again for a while. Where one thread
 * allocates what another frees, that saves a fifth to a quarter of the time. */
#ifdef PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
#define MUTEX_INIT PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
#else
#define MUTEX_INIT PTHREAD_MUTEX_INITIALIZER
#endif

#define LOCK_INIT(r) \
    { MUTEX_INIT, (r) }

#if CMEM_DEBUG
void cmem__lock_check(const struct cmem__lock *l);
void cmem__lock_took(const struct cmem__lock *l);
void cmem__lock_left(const struct cmem__lock *l);
#else
static inline void cmem__lock_check(const struct cmem__lock *l) { (void)l; }
static inline void cmem__lock_took(const struct cmem__lock *l) { (void)l; }
static inline void cmem__lock_left(const struct cmem__lock *l) { (void)l; }
#endif

/* The thread that forks, from when it has all locks until it lets go of them; 0 for none. */
extern _Atomic(pthread_t) cmem__forker;
static inline bool forking(void) {
    pthread_t t = atomic_load_explicit(&cmem__forker, memory_order_relaxed);
    return unlikely(t != 0) && pthread_equal(t, pthread_self());
}

static inline void lock(struct cmem__lock *l) {
    if (forking()) return;
    cmem__lock_check(l);
    pthread_mutex_lock(&l->mutex);
    cmem__lock_took(l);
}

static inline void unlock(struct cmem__lock *l) {
    if (forking()) return;
    cmem__lock_left(l);
    pthread_mutex_unlock(&l->mutex);
}

/* --------------------------------------------------------------------------------------------------- spans */

enum cmem__kind {
    SPAN_UNUSED = 0, /* a descriptor on the page heap's list of spare ones */
    SPAN_HOT,        /* free, counted as resident, contents unknown */
    SPAN_COLD,       /* free, every page given back (or never touched) and so known to read as zero */
    SPAN_BUSY,       /* free, its pages on their way to the operating system */
    SPAN_SMALL,      /* cut into blocks of one small class */
    SPAN_LARGE,      /* one block of a large class */
    SPAN_HUGE,       /* one huge block */
};

/* The tags of a small span, one for every 256th of it, in four cache lines of their own. A block's tag is the one of its first
 * 256th; the others, which only classes above 256 B have, stay TAG_NONE. So what a cache is refilled with from a new span has
 * lines that no other cache writes, and from 9 KiB on every block has its own. That costs 0.4 to 0.7 % of a span of 256 B
 * blocks or more; with smaller ones all 256 tags are blocks'. */
#define SPAN_TAGS 256u

/* By how many bits to shift the number of a block of small class c to get that of its tag. */
static inline unsigned class_tag_shift(unsigned c) { return class_e(c) - (PAGE_SHIFT - 8); }

/* The kinds of trees a span may stand in, one of each at a time. */
enum cmem__tree {
    TREE_RUNS,    /* the page heap's hot runs, or the central list's partial spans */
    TREE_EXTENTS, /* the page heap's extents */
};

/* A run of pages. Fields belong to the page heap's lock unless said otherwise. */
struct cmem__span {
    uintptr_t base;   /* first byte; never changes while the span is in use */
    size_t npages;    /* length in pages */
    cmem__tag *tags;  /* small: SPAN_TAGS of them; set before any block is handed out */
    uint32_t magic;   /* small: ceil(2^32 / unit), for an exact division of offsets below 64 KiB */
    uint32_t unit;    /* small: bytes a tag stands for */
    uint8_t kind;     /* enum cmem__kind */
    uint8_t cls;      /* small and large: the size class */
    uint16_t nblocks; /* small: blocks in all */
    uint16_t nfree;   /* small: blocks whose tag is TAG_NONE; central lock */
    uint16_t scan;    /* small: none below this one's is TAG_NONE; central lock */
    bool zeroed;      /* set on allocation: every page was cold */
    bool partial;     /* small: stands in its central list; central lock */
    bool released;    /* cold: some of its pages were given back; the others were never touched */

    /* Place in address-ordered trees, by enum cmem__tree. */
    struct {
        struct cmem__span *left, *right;
    } link[2];

    /* The first span of an extent, a maximal run of free spans of either kind: the extent's length in pages. Else 0. */
    size_t extent_pages;

    /* Free spans: the page heap's ring they are in, NULL in none. Spare descriptors: next only. */
    struct cmem__span *prev, *next;

    struct cmem__region *region;
    uint64_t unused_since; /* free: when its youngest page was freed or released, cmem__now() */
    uint64_t rest;         /* descriptors are cut from slabs: none is to share a cache line */
};

_Static_assert(sizeof(struct cmem__span) == 128, "a span descriptor is two cache lines");

/* A piece of address space from malloc. Belongs to the page heap's lock. */
struct cmem__region {
    uintptr_t base;
    size_t npages;
    size_t free_pages; /* pages in free spans, of any kind */
    bool permanent;    /* never given back: the first one, or one with a hole */
    bool
        releases; /* pages that are given back read as zero (tried when it was new): else it has no cold spans */
    bool movable; /* its pages may be moved */
    bool refused; /* the last release in it was refused */
    struct cmem__region *prev, *next;
};

/* Address-ordered trees of spans (tree.c). first_fit gives up after *tries spans. */
struct cmem__span *cmem__tree_insert(struct cmem__span *root, struct cmem__span *s, enum cmem__tree k);
struct cmem__span *cmem__tree_remove(struct cmem__span *root, struct cmem__span *s, enum cmem__tree k);
struct cmem__span *cmem__tree_min(struct cmem__span *root, enum cmem__tree k);
struct cmem__span *cmem__tree_first_fit(struct cmem__span *root, size_t npages, enum cmem__tree k,
                                        unsigned *tries);

/* The length by which a span stands in trees of kind k. */
static inline size_t tree_pages(const struct cmem__span *s, enum cmem__tree k) {
    return k == TREE_EXTENTS ? s->extent_pages : s->npages;
}

/* Spans in bins by length (bins.c): exact below 16 pages, then 8 bins a doubling, as the size classes are; the class
 * sizes are bin bounds. In each bin a tree by address. */
#define NUM_BINS 320

struct cmem__bins {
    enum cmem__tree kind;
    uint64_t bitmap[NUM_BINS / 64]; /* bins that are not empty */
    struct cmem__span *bin[NUM_BINS];
};

void cmem__bins_insert(struct cmem__bins *f, struct cmem__span *s);
void cmem__bins_remove(struct cmem__bins *f, struct cmem__span *s);

/* The lowest span of the first bin that has one of npages or more; NULL where there is none. */
struct cmem__span *cmem__bins_best_fit(const struct cmem__bins *f, size_t npages);

/* Up to n of the longest spans, longest bin first, of the bin of npages (where a few may be as long) and below. Returns how
 * many. */
size_t cmem__bins_longest_below(const struct cmem__bins *f, size_t npages, struct cmem__span **out, size_t n);

#if CMEM_DEBUG
size_t cmem__bins_check(const struct cmem__bins *f);
#endif

/* ------------------------------------------------------------------------------------------------- pagemap */

/* Two levels: 2^18 roots, each for 1 GiB of addresses. Readable without a lock by C and Go alike; binding.go,
 * cmem/ and go/vsz know this layout. A span stands in the entries of its first and its last page (a small span in every page's, as
 * its interior pages hold starts of blocks); in all others is NULL. Behind each leaf lie the marks of its pages. */
#define LEAF_SHIFT 30
#define LEAF_PAGES ((size_t)1 << (LEAF_SHIFT - PAGE_SHIFT))
#define ROOT_LEN ((size_t)1 << (ADDR_BITS - LEAF_SHIFT))

/* A page's entry is one word: its tag in the first byte, and above that the span's address. So the tags of blocks of
 * LARGE_MIN and more are a cache line apart, and what a free of a small block needs is in one line. */
union cmem__page {
    _Atomic uint64_t word;
    cmem__tag tag;
};

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a word's first byte is its lowest");

struct cmem__leaf {
    union cmem__page page[LEAF_PAGES];
    char away[320]; /* from where a page begins: see off_page_start in meta.c */
    uintptr_t root; /* its index in cmem__pagemap */
};

extern _Atomic(struct cmem__leaf *) cmem__pagemap[ROOT_LEN];

/* Makes the leaves for [base, base + bytes). Returns false where memory for them is not to be had. */
bool cmem__pagemap_grow(uintptr_t base, size_t bytes);

/* The leaf that covers a, or NULL. */
static inline struct cmem__leaf *pagemap_leaf(uintptr_t a) {
    if (unlikely(a >> ADDR_BITS)) return NULL;
    return atomic_load_explicit(&cmem__pagemap[a >> LEAF_SHIFT], memory_order_acquire);
}

static inline size_t leaf_index(uintptr_t a) { return (a >> PAGE_SHIFT) & (LEAF_PAGES - 1); }

static inline struct cmem__span *page_span(const union cmem__page *e) {
    return (void *)(uintptr_t)(atomic_load_explicit(&e->word, memory_order_relaxed) >> 8);
}

/* The span entry of a's page; NULL where there is none. */
static inline struct cmem__span *pagemap_span(uintptr_t a) {
    struct cmem__leaf *l = pagemap_leaf(a);
    return l ? page_span(&l->page[leaf_index(a)]) : NULL;
}

/* The page heap marks the pages where an extent begins, under its lock. The last one finds the last marked page below a, in a
 * few steps (one more for each GiB between). All need the leaf to exist, the last one a mark too. */
void cmem__pagemap_mark(uintptr_t a);
void cmem__pagemap_unmark(uintptr_t a);
uintptr_t cmem__pagemap_marked_before(uintptr_t a);
#if CMEM_DEBUG
bool cmem__pagemap_is_marked(uintptr_t a);
#endif

/* These need the leaf to exist. */
static inline cmem__tag *pagemap_tag(uintptr_t a) {
    struct cmem__leaf *l = atomic_load_explicit(&cmem__pagemap[a >> LEAF_SHIFT], memory_order_relaxed);
    return &l->page[leaf_index(a)].tag;
}

/* The page keeps its tag, which nobody else may write meanwhile. */
static inline void pagemap_set(uintptr_t a, struct cmem__span *s) {
    struct cmem__leaf *l = atomic_load_explicit(&cmem__pagemap[a >> LEAF_SHIFT], memory_order_relaxed);
    union cmem__page *e = &l->page[leaf_index(a)];
    atomic_store_explicit(&e->word, (uint64_t)(uintptr_t)s << 8 | tag_get(&e->tag), memory_order_relaxed);
}

/* The number of the tag, in the small span s, of the block that may start at a; SPAN_TAGS or more where none can. */
static inline unsigned small_tag(const struct cmem__span *s, uintptr_t a) {
    uint64_t off = a - s->base;
    unsigned i = (unsigned)((off * s->magic) >> 32);
    return likely(i * (uint64_t)s->unit == off) ? i : SPAN_TAGS;
}

/* ---------------------------------------------------------------------------------------------- page heap */

/* Allocates a span of npages whose base is a multiple of align_pages pages (a power of two). It is in use, of
 * kind `kind` and class `cls`, and its tags are unset. NULL with errno ENOMEM. */
struct cmem__span *cmem__pages_alloc(size_t npages, size_t align_pages, enum cmem__kind kind, unsigned cls);

/* Takes back a span whose tags are TAG_NONE again. */
void cmem__pages_free(struct cmem__span *s);

/* Takes the huge block at p from its caller. Returns false where no live huge block starts there. */
bool cmem__huge_free(uintptr_t p);

/* Gives the pages from new_npages on of a large or huge span in use back; false where no descriptor is to be had. */
bool cmem__pages_trim(struct cmem__span *s, size_t new_npages);

/* Makes a huge span one of class cls or the reverse, after a trim. */
void cmem__pages_reclass(struct cmem__span *s, enum cmem__kind kind, unsigned cls);

size_t cmem__pages_scavenge(uint64_t idle_ns);

/* Sets the most bytes that spans in use and hot ones may hold together, SIZE_MAX for no limit. Spans beyond it are
 * refused; hot free ones are given back for new ones. Returns the bytes in use. */
size_t cmem__pages_limit(size_t bytes);
size_t cmem__pages_sys(void);   /* pages of all regions */
size_t cmem__pages_inuse(void); /* bytes of spans in use */
size_t cmem__pages_hot(void);   /* bytes that are free and resident */

uint64_t cmem__pages_activity(void); /* changes with every span that is allocated or freed */

/* Cold pages ever allocated, but for those that were filled by moves: they are faulted in by and by. */
uint64_t cmem__pages_faulted(void);
uint64_t cmem__pages_moved(void);

/* Gives hot free pages back, longest idle first, until what is left of them is a headroom: together with those in use, the
 * most pages that were in use of late. `patience` says how late: a peak before the last call is forgotten within so many
 * calls, in sixteenths (of what it is beyond those in use, a PATIENCE_CALL/patience-th a call). Less than one call keeps
 * only that part of the last peak. On top of that stays a reserve of so many thousandths of what is in use; and at least 1 MiB in all.
 * Returns the bytes. Drops the lock around system calls. */
#define PATIENCE_CALL 16u
size_t cmem__pages_settle(unsigned patience, unsigned reserve);
void cmem__pages_stats(struct cmem_stats *out);
void cmem__pages_lock(void);
void cmem__pages_unlock(void);
void cmem__pages_after_fork(void);

/* ------------------------------------------------------------------------------------------ central lists */

/* A free block on its way: its address and where its tag lies. The tag is TAG_CACHED. Go knows this layout. */
struct cmem__entry {
    uintptr_t block;
    cmem__tag *tag;
};

/* Takes up to n free blocks of class c. Fewer only where memory is out (errno ENOMEM). Large classes: *zeroed tells
 * whether the last one reads as zero; may be NULL. */
size_t cmem__central_fetch(unsigned c, struct cmem__entry *out, size_t n, bool *zeroed);

/* Takes n blocks of class c back; their tags must be TAG_CACHED. */
void cmem__central_give(unsigned c, const struct cmem__entry *in, size_t n);

/* The same for blocks of any classes. */
void cmem__central_give_mixed(const struct cmem__entry *in, size_t n);

/* The same past the transfer lists. */
void cmem__central_free(unsigned c, const struct cmem__entry *in, size_t n);

/* The transfer list of a class from 8 KiB on. Go knows this layout, and is in a list while `taken` is 1, too; it never waits. */
#define TRANSFER_FIRST 55
#define TRANSFER_BLOCKS 32
struct cmem__transfer {
    _Atomic uint32_t taken;
    uint32_t n;    /* blocks here; read without taking it */
    uint32_t low;  /* the fewest since the last trim */
    uint32_t most; /* how many may lie here: the list's part of the limit, TRANSFER_BLOCKS at most */
    struct cmem__entry e[TRANSFER_BLOCKS]; /* the newest last */
} __attribute__((aligned(128)));           /* two cache lines, as processors fetch them */
extern struct cmem__transfer cmem__transfer[NUM_CLASSES - TRANSFER_FIRST];

/* For central.c. The limit is Go's to set: bytes that may lie in all lists. put and take return how many blocks they took;
 * trim gives those back that nobody has needed since the last trim, or all. */
extern _Atomic int64_t cmem__transfer_limit;
size_t cmem__transfer_put(unsigned c, const struct cmem__entry *in, size_t n);
size_t cmem__transfer_take(unsigned c, struct cmem__entry *out, size_t n);
void cmem__transfer_trim(bool all);
size_t cmem__transfer_blocks(unsigned c);
size_t cmem__transfer_bytes(void);
void cmem__transfer_lock(void);
void cmem__transfer_unlock(void);
void cmem__transfer_check(void);

/* Blocks of class c that central has handed out and not had back, and bytes free in its spans. */
size_t cmem__central_out(unsigned c);
size_t cmem__central_free_bytes(void);

/* Adds n to the blocks of class c that are out: for a large span that goes to a caller with no fetch, or whose class a
 * trimming realloc changes. */
void cmem__central_count_out(unsigned c, long n);

void cmem__central_lock(void);
void cmem__central_unlock(void);

/* --------------------------------------------------------------------------------------------------- cache */

/* A LIFO array of free blocks: entries base..top are filled, end is its limit. All three NULL before the first use,
 * so that both fast paths' tests fail. */
struct cmem__magazine {
    struct cmem__entry *top, *base, *end;
    uint64_t allocs; /* blocks it has given to callers */
};

enum cmem__cache_kind { CACHE_THREAD = 0, CACHE_P = 1 };

/* The bytes a cache may hold, give or take one block: it takes a block, of any size, while there is any room. So the
 * last block freed is always at hand for the next allocation, even if it is larger than the whole limit. There may be
 * thousands of threads, each with little to do, but few Ps, which do all that the goroutines do. */
#define CACHE_LIMIT_P ((int64_t)1 << 20)
#define CACHE_LIMIT_THREAD ((int64_t)256 << 10)
#define CACHE_LIMIT_MIN ((int64_t)16 << 10)

/* The caches of a kind share this, and a 64th of what is in use where that is more. */
#define CACHE_BUDGET ((int64_t)2 << 20)
#define CACHE_BUDGET_SHARE 64

/* What the limit of a cache is to be, by kind; its owner adopts it on its slow path. */
extern _Atomic int64_t cmem__cache_limit[2];

/* Sets the limits anew for so many bytes in use. */
void cmem__cache_budget(size_t inuse);

/* What a thread or P keeps. Go knows this layout. `room` is the limit less the bytes held; it may be negative. */
struct cmem__cache {
    int64_t room;
    uint32_t kind;
    uint32_t recent; /* the last two classes of EXACT_MIN and more that it had no block of, a byte each */
    struct cmem__cache *prev, *next; /* all caches; registry lock */
    struct cmem__magazine mag[NUM_CLASSES];

    int64_t limit;
    /* Threads' caches: see cache_enter. */
    _Atomic uint32_t busy, taken;
    uint64_t activity, active_since; /* when it last changed, and what it was then; drain lock */
    struct cmem__cache *drained;     /* the next of those being drained; drain lock */

    uint64_t made[(NUM_CLASSES + 63) / 64]; /* which magazines there are: a thread uses few classes */
};

/* Between these its owner alone has the thread's cache. Elsewhere an idle thread's cache may be drained by another one,
 * which first says so (taken), then has every CPU that runs the process pass a memory barrier, and then looks whether the
 * owner is in it (busy): so neither side needs a barrier of its own here, and the owner pays two plain stores and a
 * load. */
void cmem__cache_wait(struct cmem__cache *ch);
static inline void cache_mark(struct cmem__cache *ch) {
    atomic_store_explicit(&ch->busy, 1, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
}
static inline void cache_enter(struct cmem__cache *ch) {
    cache_mark(ch);
    if (unlikely(atomic_load_explicit(&ch->taken, memory_order_acquire))) cmem__cache_wait(ch);
}
static inline void cache_leave(struct cmem__cache *ch) {
    atomic_store_explicit(&ch->busy, 0, memory_order_release);
}

/* Gives central what threads' caches hold that have not been used for idle_ns. */
void cmem__cache_drain(uint64_t idle_ns);
/* For its owner: adopts the limit that caches of its kind have now. */
static inline void cache_adopt(struct cmem__cache *ch) {
    int64_t limit = atomic_load_explicit(&cmem__cache_limit[ch->kind], memory_order_relaxed);
    ch->room += limit - ch->limit;
    ch->limit = limit;
}

bool cmem__cache_has_threads(void); /* whether a thread has a cache */
void cmem__cache_drain_lock(void);
void cmem__cache_drain_unlock(void);

intptr_t cmem__last_cache_offset(void); /* from a thread's pointer (FS); x86-64 only */

/* Whether no thread and no P gets a cache, for as long as the process lives: so that every allocation and every free takes a
 * slow path, which tells the tool that watches the memory (poison.h). The fast paths test nothing for it but what they test
 * anyway: that there is a cache. */
bool cmem__cacheless(void);

struct cmem__cache *
cmem__cache_new(enum cmem__cache_kind kind);     /* NULL: out of memory, or there are to be none */
void cmem__cache_delete(struct cmem__cache *ch); /* flushes it first */
void cmem__cache_flush(struct cmem__cache *ch);
bool cmem__magazine_init(struct cmem__cache *ch, unsigned c);

/* Adds the counts of all caches to *out. */
void cmem__cache_stats(struct cmem_stats *out);
size_t cmem__cache_blocks(unsigned c);
void cmem__cache_count_alloc(unsigned c, uint64_t n); /* allocations that went past every cache */
void cmem__cache_lock(void);
void cmem__cache_unlock(void);

/* ------------------------------------------------------------------------------------------------ metadata */

/* Zeroed memory from the library's own pages, 64-byte aligned; NULL with errno ENOMEM. */
void *cmem__meta_alloc(size_t bytes);
void cmem__meta_free(void *p, size_t bytes);
/* Whole zeroed pages that are never given back. */
void *cmem__meta_map(size_t bytes);
size_t cmem__meta_bytes(void);
void cmem__meta_lock(void);
void cmem__meta_unlock(void);

/* --------------------------------------------------------------------------------------------------- system */

/* Address space for a region from the malloc family. *releasing tells whether pages that are given back read as zero there, as
 * all of it does then; *movable whether cmem__os_move may be used there. NULL with errno ENOMEM. */
void *cmem__os_region_new(size_t bytes, bool *releasing, bool *movable);
void cmem__os_region_delete(void *p, size_t bytes);

/* Gives whole pages back to the operating system: in regions that release they read as zero afterwards. False where it refuses
 * (locked pages, seccomp). Keeps errno. */
bool cmem__os_release(uintptr_t base, size_t bytes);

/* Whether one of the whole pages there is resident: LOOK_PAGES at most. They may be nobody's. Keeps errno. */
#define LOOK_PAGES ((size_t)512)
bool cmem__os_any_resident(uintptr_t base, size_t bytes);

/* Has the kernel make no huge pages there from now on. Keeps errno. */
void cmem__os_small_pages(uintptr_t base, size_t bytes);

/* Resident pages are moved in pieces of this many, at multiples of it: a call takes 6 us (and some 20 us while another
 * CPU runs the program), to fault in and give back as much 55 us. */
#define MOVE_PAGES ((size_t)32)

enum cmem__moved {
    MOVED,
    MOVE_REFUSED, /* both places are as they were or fresh, in whole or in part; as they were where memory is locked */
    MOVE_LOST, /* the new place is not mapped any more: nobody may touch it */
};

/* Moves the resident pages of whole pieces at `from` to `to`, both ours: what was resident at `to` goes back to the
 * operating system, and `from` reads as zero. Keeps errno. */
enum cmem__moved cmem__os_move(uintptr_t from, uintptr_t to, size_t bytes);

/* Sleeps while *word is `value`, for ns nanoseconds of the monotonic clock at most; may return early. Unlike a condition variable
 * it is no cancellation point, and keeps no count of waiters that a child of fork would inherit. Keeps errno. */
void cmem__os_wait(_Atomic uint32_t *word, uint32_t value, uint64_t ns);
void cmem__os_wake(_Atomic uint32_t *word); /* everybody who waits, after *word has changed */
#define NO_TIMEOUT UINT64_MAX

/* Has every thread of the process that is running pass a full memory barrier; false where the kernel has no such call. */
bool cmem__os_barrier(void);

void *cmem__os_map(size_t bytes);
size_t cmem__os_page_size(void);
uint64_t cmem__os_precise_now(void); /* as cmem__now, but to the microsecond */
uint64_t cmem__os_cpu_time(void);    /* nanoseconds that the process's threads have run */
uint64_t cmem__now(void);            /* nanoseconds of the monotonic clock, coarse */

/* -------------------------------------------------------------------------------------------------- reports */

enum cmem__where {
    WHERE_FOREIGN,       /* not in cmem's heap */
    WHERE_NO_BLOCK,      /* in the heap, in pages that hold no block: freed, or never one */
    WHERE_FREE,          /* the start of a block that is free */
    WHERE_LIVE,          /* the start of a live block */
    WHERE_INTERIOR_LIVE, /* inside a live block */
    WHERE_INTERIOR_FREE, /* inside a free block */
};

struct cmem__place {
    enum cmem__where where;
    uintptr_t block; /* start of the block, where there is one */
    size_t size;     /* its bytes */
    bool owned;      /* live, and TAG_OWNED */
};

/* What the address p is, without reading it. */
struct cmem__place cmem__locate(uintptr_t p);

/* The span in use or free that covers p, or NULL; under the page heap's lock. */
struct cmem__span *cmem__pages_find(uintptr_t p);

/* What a function wants of a block: of a free one, "double free" is said to the one, "use after free" to the other. */
enum cmem__use { USE_FREES, USE_KEEPS };

/* Writes what p is as text, "double free: ...", into buf, NUL-terminated. Returns its length. */
size_t cmem__describe(uintptr_t p, enum cmem__use use, char *buf, size_t len);

/* Prints "cmem: FUNC(P): WHAT" to standard error and aborts. */
_Noreturn void cmem__misuse(const char *func, enum cmem__use use, uintptr_t p) __attribute__((cold));
_Noreturn void cmem__panic(const char *what, uintptr_t p) __attribute__((cold));

/* An invariant whose failure means that the heap is corrupt, checked in every build where the check is cheap. */
#define insist(cond, what, p)                                       \
    do {                                                            \
        if (unlikely(!(cond))) cmem__panic((what), (uintptr_t)(p)); \
    } while (0)

/* --------------------------------------------------------------------------------------- debug build's checks */

#if CMEM_DEBUG
/* Walks every structure and aborts on a broken invariant. The caller makes sure that nobody else is in the library
 * for the checks that need it (quiescent). Returns the number of spans seen. */
size_t cmem__check(bool quiescent);
size_t cmem__pages_check(void);
void cmem__central_check(void);
void cmem__cache_check(void);
#endif

/* --------------------------------------------------------------------------------------------------- entry */

/* Huge blocks, and zeroed ones past every cache. NULL with errno ENOMEM. */
void *cmem__huge_alloc(size_t n, size_t align_pages, bool *zeroed);
void *cmem__calloc_direct(size_t n);

/* A live block of class c from the central list, 0 if out of memory. No cache has counted it. */
uintptr_t cmem__fetch_one(unsigned c);

/* Takes the block that starts at p from its caller, whatever its kind (huge, attached, of a class), straight to
 * central. Returns false where no live block starts there, or one that is owned. */
bool cmem__free_direct(uintptr_t p);

/* The same for its owner, a Go handle or arena. */
bool cmem__free_owned(uintptr_t p);

/* Marks the live block at p as hanging on a Go owner (TAG_ATTACHED), so that every free of it goes the slow way.
 * Returns false where no live block starts there or it is attached or owned already. */
bool cmem__attach(uintptr_t p);
bool cmem__is_attached(uintptr_t p);

/* The bytes of the live block that starts at p, 0 where none does. */
size_t cmem__usable(uintptr_t p);

/* Settles the heap, as eagerly as the process can afford. Returns the bytes given back. For the one scavenger that a process
 * has, every SETTLE_NS while the heap is used. */
#define SETTLE_NS 20000000
size_t cmem__settle(void);

/* A child of fork has no scavenger's thread. */
void cmem__scavenger_after_fork(void);

/* pthread_atfork and the TLS key, once. */
void cmem__init(void);

#endif /* CMEM_INTERNAL_H */
