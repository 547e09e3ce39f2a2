//go:build cgo && linux && (amd64 || arm64 || riscv64)

/* inside.c: what tests ask of the library's inside. */
#include "budget.h"
#include "cache.h"
#include "central.h"
#include "ctest.h"

void ctest_boost(uintptr_t cache, size_t inuse) {
    cmem__budget_boost(&((struct cmem__cache *)cache)->share, inuse);
}

void ctest_empty_lists(void) { cmem__central_trim(true); }
