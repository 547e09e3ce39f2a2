//go:build linux && (amd64 || arm64 || riscv64)

/* region.c: regions: pieces of address space from malloc. */
#include "base.h"
#include "extent.h"
#include "heap.h"
#include "lock.h"
#include "meta.h"
#include "os.h"
#include "pagemap.h"
#include "region.h"
#include "span.h"

#include <errno.h>

/* Each moved piece is a mapping of its own to the kernel, which allows a process 65,530 by default.
 * So pages are moved in regions of no more than 2 GiB together: 16,384 mappings at worst. */
#define MOVABLE_MAX_PAGES (((size_t)2 << 30) >> PAGE_SHIFT)

void cmem__region_delete(struct cmem__region *r) {
    cmem__os_region_delete((void *)r->base, r->npages << PAGE_SHIFT);
    cmem__meta_free(r, sizeof *r);
}

/* Gets r its bytes and their place in the pagemap; false where they are not to be had. */
static bool region_map(struct cmem__region *r, size_t bytes) {
    void *p = cmem__os_region_new(bytes, &r->releases, &r->movable);
    if (p == NULL) return false;
    r->base = (uintptr_t)p;
    r->npages = bytes >> PAGE_SHIFT;
    if (cmem__pagemap_grow(r->base, bytes)) return true;
    cmem__os_region_delete(p, bytes);
    return false;
}

static size_t region_round(size_t bytes) { return (bytes + REGION_ALIGN - 1) & ~(REGION_ALIGN - 1); }

/* Gets a region that holds npages: of the usual size, or where there is no room for that
 * (RLIMIT_AS, RLIMIT_DATA), of half of it and so on, down to what is needed. Called without the
 * lock. */
static struct cmem__region *region_new(size_t npages, bool first) {
    size_t least = region_round(npages << PAGE_SHIFT);
    size_t bytes = first && least <= REGION_FIRST ? REGION_FIRST : REGION_SIZE;
    if (bytes < least) bytes = least;
    struct cmem__region *r = cmem__meta_alloc(sizeof *r);
    if (r == NULL) return NULL;
    while (!region_map(r, bytes)) {
        if (bytes == least) {
            cmem__meta_free(r, sizeof *r);
            errno = ENOMEM;
            return NULL;
        }
        bytes = region_round(bytes / 2);
        if (bytes < least) bytes = least;
    }
    return r;
}

static void unmap_bounds(const struct cmem__span *s) {
    pagemap_set(s->base, NULL);
    pagemap_set(last_page(s), NULL);
}

static void region_add(struct cmem__region *r) {
    cmem__heap.page = cmem__os_page_size();
    r->permanent = cmem__heap.regions == NULL && r->npages == REGION_FIRST >> PAGE_SHIFT;
    r->prev = NULL;
    r->next = cmem__heap.regions;
    if (r->next != NULL) r->next->prev = r;
    cmem__heap.regions = r;
    cmem__heap.nregions++;
    cmem__heap.sys_pages += r->npages;
    r->free_pages = r->npages;
    r->movable = r->movable && cmem__heap.movable_pages + r->npages <= MOVABLE_MAX_PAGES;
    if (!r->releases) cmem__heap.no_moves = true;
    if (r->movable) cmem__heap.movable_pages += r->npages;

    struct cmem__span *s = cmem__spare_take();
    s->base = r->base;
    s->npages = r->npages;
    s->region = r;
    map_bounds(s);
    (void)cmem__extent_put_free(s, r->releases ? SPAN_RELEASED : SPAN_RESIDENT, false);
}

void cmem__region_remove(struct cmem__region *r, struct cmem__span *s) {
    cmem__span_remove(s);
    (void)cmem__extent_remove(s);
    cmem__pagemap_unmark(s->base);
    unmap_bounds(s);
    cmem__spare_put(s);
    if (r->prev != NULL)
        r->prev->next = r->next;
    else
        cmem__heap.regions = r->next;
    if (r->next != NULL) r->next->prev = r->prev;
    cmem__heap.nregions--;
    cmem__heap.sys_pages -= r->npages;
    if (r->movable) cmem__heap.movable_pages -= r->npages;
}

/* Adds a region for npages. Drops the lock meanwhile. */
static bool add_region(size_t npages) {
    bool first = cmem__heap.regions == NULL;
    unlock(&cmem__heap.lock);
    struct cmem__region *r = region_new(npages, first);
    lock(&cmem__heap.lock);
    if (r == NULL) return false;
    if (!reserve_spares(1)) {
        unlock(&cmem__heap.lock);
        cmem__region_delete(r);
        lock(&cmem__heap.lock);
        errno = ENOMEM;
        return false;
    }
    region_add(r);
    return true;
}

bool cmem__region_grow(size_t npages) {
    if (npages > ((size_t)PTRDIFF_MAX - REGION_ALIGN) >> PAGE_SHIFT) {
        errno = ENOMEM;
        return false;
    }
    if (cmem__heap.growing != 0 &&
        !forking()) { /* for a thread that forks, whoever grows would wait itself */
        unlock(&cmem__heap.lock);
        cmem__os_wait(&cmem__heap.growing, 1, NO_TIMEOUT);
        lock(&cmem__heap.lock);
        return true;
    }
    cmem__heap.growing = 1;
    bool ok = add_region(npages);
    cmem__heap.growing = 0;
    cmem__os_wake(&cmem__heap.growing);
    return ok;
}
