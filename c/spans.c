//go:build linux && (amd64 || arm64 || riscv64)

/* spans.c: what spans there are, as text. */
#include "spans.h"
#include "base.h"
#include "heap.h"
#include "lock.h"
#include "os.h"
#include "pageheap.h"
#include "pagemap.h"
#include "sizeclass.h"
#include "span.h"
#include "tool.h"

#include <stdatomic.h>
#include <string.h>

/* The columns, which cmem.h describes. cmem/spans.go has the same. */
static const char head[] =
    "address            pages kind  state           block blocks   live cached       idle  released\n";

/* More than the longest line: nine numbers of up to 20 digits would make one of 200. */
#define LINE ((size_t)200)
#define ROWS (SPANS_TEXT / LINE)

/* What a line says. */
struct row {
    uintptr_t base;
    size_t npages;
    size_t block, blocks, live,
        cached;    /* in use: bytes a block, blocks in all, in callers' hands, in caches */
    uint64_t idle; /* free: nanoseconds */
    const char *kind, *state;
    bool in_use, released;
};

/* ------------------------------------------------------------------------------- under the lock */

static void count(struct row *r, uint8_t tag) {
    if (tag == TAG_CACHED)
        r->cached++;
    else if (tag != TAG_NONE)
        r->live++;
}

/* A small span has its tags from when its pages have theirs; it keeps them until it has gone back
 * to the page heap. */
static void read_small(const struct cmem__span *s, struct row *r) {
    r->kind = "small";
    r->block = class_size(s->cls);
    r->blocks = class_blocks(s->cls);
    if (atomic_load_explicit(pagemap_tag(s->base), memory_order_acquire) != TAG_SMALL + s->cls) return;
    for (unsigned i = 0, shift = class_tag_shift(s->cls); i < r->blocks; i++)
        count(r, tag_get(&s->tags[i << shift]));
}

static void read_large(const struct cmem__span *s, struct row *r) {
    r->kind = s->kind == SPAN_EXACT ? "huge" : "large";
    r->block = s->npages << PAGE_SHIFT;
    r->blocks = 1;
    count(r, tag_get(pagemap_tag(s->base)));
}

static struct row read_row(const struct cmem__span *s, uint64_t now) {
    struct row r = {.base = s->base, .npages = s->npages, .kind = "-", .state = "inuse"};
    switch ((enum cmem__kind)s->kind) {
    case SPAN_SMALL:
        r.in_use = true;
        read_small(s, &r);
        break;
    case SPAN_LARGE:
    case SPAN_EXACT:
        r.in_use = true;
        read_large(s, &r);
        break;
    case SPAN_RELEASED:
        r.released = true;
        r.state = s->touched ? "released" : "untouched";
        break;
    case SPAN_BUSY:
        r.state = "releasing";
        break;
    case SPAN_RESIDENT:
    case SPAN_UNUSED:
        r.state = "free";
        break;
    }
    if (!r.in_use && s->unused_since < now) r.idle = now - s->unused_since;
    return r;
}

/* The first span that begins at `from` or above; NULL at the end. */
static const struct cmem__span *span_from(uintptr_t from) {
    const struct cmem__region *first = NULL;
    for (const struct cmem__region *r = cmem__heap.regions; r != NULL; r = r->next) {
        if (r->base + (r->npages << PAGE_SHIFT) > from && (first == NULL || r->base < first->base)) first = r;
    }
    if (first == NULL) return NULL;
    if (from <= first->base) return pagemap_span(first->base);
    const struct cmem__span *s = cmem__pages_find(from);
    if (s->base == from) return s;
    /* Spans were coalesced since the last chunk, which told of a part of this one. */
    const struct cmem__span *next = after(s);
    return next != NULL ? next : span_from(span_end(s));
}

static size_t read_rows(uintptr_t *from, struct row *rows) {
    uint64_t now = cmem__now();
    size_t n = 0;
    lock(&cmem__heap.lock);
    for (const struct cmem__span *s = span_from(*from); n < ROWS && s != NULL;) {
        rows[n++] = read_row(s, now);
        *from = span_end(s);
        const struct cmem__span *next = after(s);
        s = next != NULL ? next : span_from(*from);
    }
    unlock(&cmem__heap.lock);
    return n;
}

/* ----------------------------------------------------------------------------------------- text */

/* Behind a blank. */
static char *put_name(char *at, const char *name, size_t width) {
    *at++ = ' ';
    char *end = at + width;
    while (*name != '\0') *at++ = *name++;
    while (at < end) *at++ = ' ';
    return at;
}

/* n in base 10 or 16, to the right in `width` columns, with `fill` before it. */
static char *put_digits(char *at, uint64_t n, unsigned base, size_t width, char fill) {
    char digits[20];
    size_t k = 0;
    do {
        digits[k++] = "0123456789abcdef"[n % base];
        n /= base;
    } while (n > 0);
    for (size_t i = k; i < width; i++) *at++ = fill;
    while (k > 0) *at++ = digits[--k];
    return at;
}

static char *put_number(char *at, uint64_t n, size_t width) {
    *at++ = ' ';
    return put_digits(at, n, 10, width, ' ');
}

static char *put_dash(char *at, size_t width) {
    memset(at, ' ', width);
    at[width] = '-';
    return at + width + 1;
}

static char *put_row(char *at, const struct row *r) {
    *at++ = '0';
    *at++ = 'x';
    at = put_digits(at, r->base, 16, 12, '0');
    at = put_number(at, r->npages, 9);
    at = put_name(at, r->kind, 5);
    at = put_name(at, r->state, 9);
    at = r->in_use ? put_number(at, r->block, 11) : put_dash(at, 11);
    at = r->in_use ? put_number(at, r->blocks, 6) : put_dash(at, 6);
    at = r->in_use ? put_number(at, r->live, 6) : put_dash(at, 6);
    at = r->in_use ? put_number(at, r->cached, 6) : put_dash(at, 6);
    if (r->in_use) {
        at = put_dash(at, 10);
    } else {
        at = put_number(at, r->idle / 1000000000, 6);
        *at++ = '.';
        at = put_digits(at, r->idle / 1000000 % 1000, 10, 3, '0');
    }
    at = put_number(at, r->released ? r->npages : 0, 9);
    *at++ = '\n';
    return at;
}

_Static_assert(sizeof head <= LINE, "the head takes no more than a line");

size_t cmem__spans_text(uintptr_t *from, char *buf) {
    struct row rows[ROWS];
    char *at = buf;
    if (*from == 0) { /* no span is there: it is NULL's page */
        memcpy(at, head, sizeof head - 1);
        at += sizeof head - 1;
        *from = PAGE_SIZE;
    } else {
        size_t n = read_rows(from, rows);
        for (size_t i = 0; i < n; i++) at = put_row(at, &rows[i]);
    }
    wrote(buf, (size_t)(at - buf));
    return (size_t)(at - buf);
}
