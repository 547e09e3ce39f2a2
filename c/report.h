/* report.h: what an address is, and what is said of a caller's mistake.
 *
 * Lock: the page heap's, for a look; so none of its rank or above may be held. Called by C and Go
 * when a block that should be live is not, and by block.c for the size of a block that has no
 * class.
 */
#ifndef CMEM_REPORT_H
#define CMEM_REPORT_H

#include "base.h"

#include <stdbool.h>

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

/* What a function wants of a block: of a free one, "double free" is said to the one, "use after
 * free" to the other. */
enum cmem__use { USE_FREES, USE_KEEPS };

/* Writes what p is as text, "double free: ...", into buf, NUL-terminated and cut to len > 0.
 * Returns the kind of place. */
enum cmem__where cmem__describe(uintptr_t p, enum cmem__use use, char *buf, size_t len);

/* Go's buffers are Go memory in this process, as -race has them: what is said of a foreign pointer
 * is to say so. */
void cmem__report_go_memory(void);

/* Prints "cmem: FUNC(P): WHAT" to standard error and aborts. */
_Noreturn void cmem__misuse(const char *func, enum cmem__use use, uintptr_t p) __attribute__((cold));

#endif /* CMEM_REPORT_H */
