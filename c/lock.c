//go:build linux && (amd64 || arm64 || riscv64)

/* lock.c: who holds all locks for a fork, and the debug build's check that locks are taken in the
 * order of their ranks (as jemalloc's witnesses). */
#include "base.h"
#include "lock.h"
#include "panic.h"
#include "sizeclass.h"

_Atomic(pthread_t) cmem__forker;

#if CMEM_DEBUG

/* A fork holds one lock a small class and some more. */
#define MAX_HELD (NUM_SMALL + 8)

static __thread const struct cmem__lock *held[MAX_HELD];
static __thread unsigned nheld;

void cmem__lock_check(const struct cmem__lock *l) {
    if (nheld == 0) return;
    const struct cmem__lock *top = held[nheld - 1];
    insist(l->rank > top->rank || (l->rank == top->rank && l > top), "lock taken out of order", l);
}

void cmem__lock_took(const struct cmem__lock *l) {
    insist(nheld < MAX_HELD, "too many locks held", l);
    held[nheld++] = l;
}

void cmem__lock_left(const struct cmem__lock *l) {
    for (unsigned i = nheld; i-- > 0;) {
        if (held[i] != l) continue;
        for (nheld--; i < nheld; i++) held[i] = held[i + 1];
        return;
    }
    cmem__panic("lock released that is not held", (uintptr_t)l);
}

#endif
