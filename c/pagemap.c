//go:build linux

/* pagemap.c: from an address to its tag and span, in two loads and without a lock. */
#include "internal.h"

/* 2 MiB of .bss, of which the pages that are touched count. */
_Atomic(struct cmem__leaf *) cmem__pagemap[ROOT_LEN];

bool cmem__pagemap_grow(uintptr_t base, size_t bytes) {
    if (unlikely((base + bytes - 1) >> ADDR_BITS)) return false;
    for (uintptr_t i = base >> LEAF_SHIFT; i <= (base + bytes - 1) >> LEAF_SHIFT; i++) {
        if (atomic_load_explicit(&cmem__pagemap[i], memory_order_acquire) != NULL) continue;
        struct cmem__leaf *fresh = cmem__meta_map(sizeof *fresh);
        if (fresh == NULL) return false;
        fresh->root = i;
        struct cmem__leaf *none = NULL;
        /* Losing the race strands 2.25 MiB of untouched address space: once a GiB, and only if two threads add
         * the first regions there at the same time. */
        atomic_compare_exchange_strong_explicit(&cmem__pagemap[i], &none, fresh, memory_order_release,
                                                memory_order_relaxed);
    }
    return true;
}
