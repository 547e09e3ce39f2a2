/* block.h: the block at an address: whether one starts there, whether it is live, of which class.
 *
 * Lock: none. C looks up every address that a caller passes here. Go does so by itself
 * (cmem/tags_c.go), and calls cmem__attach and cmem__usable.
 */
#ifndef CMEM_BLOCK_H
#define CMEM_BLOCK_H

#include "base.h"
#include "pagemap.h"
#include "sizeclass.h"
#include "span.h"

#include <stdatomic.h>
#include <stdbool.h>

/* The class of the live block at p; NUM_CLASSES or more (its tag - 1) where there is none, or it is
 * exact, attached or owned. *tag is where its tag lies, NULL where no block can start. The class of
 * a small block is in the pagemap's tag and in its own: whether it is live is a branch that the
 * processor predicts, but where to put it has to be waited for, so it is taken from the one that
 * comes first. */
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

/* What find_live has returned of p, or where that is attached or owned, the class in the block's
 * span. */
unsigned cmem__class_or_span(uintptr_t p, unsigned c);

/* Marks the live block at p as hanging on a Go owner (TAG_ATTACHED), so that every free of it goes
 * the slow way. Returns false where no live block starts there or it is attached or owned
 * already. */
bool cmem__attach(uintptr_t p);
bool cmem__is_attached(uintptr_t p);

/* The bytes of the live block that starts at p, 0 where none does. */
size_t cmem__usable(uintptr_t p);

/* The same, 0 for one that is owned too. */
size_t cmem__usable_unowned(uintptr_t p);

#endif /* CMEM_BLOCK_H */
