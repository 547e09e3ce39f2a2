//go:build linux && (amd64 || arm64 || riscv64)

/* block.c: the block at an address. */
#include "block.h"
#include "pagemap.h"
#include "report.h"
#include "sizeclass.h"
#include "span.h"

unsigned cmem__class_or_span(uintptr_t p, unsigned c) {
    if (c + 1 != TAG_ATTACHED && c + 1 != TAG_OWNED) return c;
    struct cmem__span *s = pagemap_span(p);
    return s == NULL || s->kind == SPAN_EXACT ? c : s->cls; /* no span: it is being freed at this moment */
}

/* The bytes of the live block that starts at p; 0 where none does, or one that is owned, unless
 * those count. */
static size_t usable(uintptr_t p, bool owned) {
    cmem__tag *tag;
    unsigned c = find_live(p, &tag);
    if (tag == NULL || (c + 1 == TAG_OWNED && !owned)) return 0;
    c = cmem__class_or_span(p, c);
    if (c < NUM_CLASSES) return class_size(c);
    struct cmem__place at = cmem__locate(p);
    return at.where == WHERE_LIVE ? at.size : 0;
}

size_t cmem__usable(uintptr_t p) { return usable(p, true); }

size_t cmem__usable_unowned(uintptr_t p) { return usable(p, false); }

bool cmem__attach(uintptr_t p) {
    cmem__tag *tag = NULL;
    unsigned c = find_live(p, &tag);
    if (tag == NULL || !(c < NUM_CLASSES || c + 1 == TAG_EXACT)) return false;
    tag_set(tag, TAG_ATTACHED);
    return true;
}

bool cmem__is_attached(uintptr_t p) {
    cmem__tag *tag = NULL;
    return find_live(p, &tag) + 1 == TAG_ATTACHED;
}
