//go:build linux && (amd64 || arm64 || riscv64)

/* heap.c: the state of the page heap, as it begins, and its spare descriptors. */
#include "heap.h"
#include "lock.h"
#include "meta.h"
#include "span.h"

struct cmem__heap cmem__heap = {
    .lock = LOCK_INIT(RANK_PAGEHEAP),
    .limit_pages = SIZE_MAX,
    .resident = {.kind = TREE_SPANS},
    .extents = {.kind = TREE_EXTENTS},
    .age = {.prev = &cmem__heap.age, .next = &cmem__heap.age},
    .shorts = {.prev = &cmem__heap.shorts, .next = &cmem__heap.shorts},
    .empty = {.prev = &cmem__heap.empty, .next = &cmem__heap.empty},
    .unreleasable = {.prev = &cmem__heap.unreleasable, .next = &cmem__heap.unreleasable},
    .released = {.prev = &cmem__heap.released, .next = &cmem__heap.released},
};

bool cmem__spares_get(size_t n) {
    enum { SLAB = 32 };
    while (cmem__heap.spares < n) {
        unlock(&cmem__heap.lock);
        struct cmem__span *slab = cmem__meta_alloc(SLAB * sizeof *slab);
        lock(&cmem__heap.lock);
        if (slab == NULL) return false;
        for (size_t i = 0; i < SLAB; i++) {
            slab[i].next = cmem__heap.spare;
            cmem__heap.spare = &slab[i];
        }
        cmem__heap.spares += SLAB;
    }
    return true;
}
