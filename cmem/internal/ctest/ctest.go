//go:build cgo && linux && (amd64 || arm64 || riscv64)

// Package ctest is the C side of package cmem's tests: C code that allocates and frees blocks of
// the shared heap, on its own threads too. Files of tests may not say import "C".
package ctest

// #cgo CFLAGS: -std=gnu11 -I${SRCDIR}/../../../c
// #cgo LDFLAGS: -lpthread
// #include "cmem.h"
// #include "ctest.h"
import "C"

import (
	"unsafe"

	_ "github.com/gocmem/cmem/c" // the library that the C code links with
)

// Alloc is cmem_alloc, as a slice.
func Alloc(n int) []byte { return unsafe.Slice((*byte)(C.cmem_alloc(C.size_t(n))), n) }

// Free is cmem_free.
func Free(b []byte) { C.cmem_free(unsafe.Pointer(unsafe.SliceData(b))) }

// Realloc is cmem_realloc, which must not fail.
func Realloc(b []byte, n int) []byte {
	return unsafe.Slice((*byte)(C.cmem_realloc(unsafe.Pointer(unsafe.SliceData(b)), C.size_t(n))), n)
}

// FreeBatch is cmem_free_batch of one block.
func FreeBatch(b []byte) {
	p := unsafe.Pointer(unsafe.SliceData(b))
	C.cmem_free_batch(&p, 1)
}

// Usable is cmem_usable_size.
func Usable(b []byte) int { return int(C.cmem_usable_size(unsafe.Pointer(unsafe.SliceData(b)))) }

// Malloc is C's malloc, as a slice: memory that is not of this heap.
func Malloc(n int) []byte { return unsafe.Slice((*byte)(C.malloc(C.size_t(n))), n) }

// MallocFree is C's free.
func MallocFree(b []byte) { C.free(unsafe.Pointer(unsafe.SliceData(b))) }

// AllocOnThread allocates a block of each size by cmem_alloc on a new C thread, which has ended
// when AllocOnThread returns.
func AllocOnThread(sizes []int) [][]byte {
	pointers := make([]unsafe.Pointer, len(sizes))
	csizes := make([]C.size_t, len(sizes))
	for i, n := range sizes {
		csizes[i] = C.size_t(n)
	}
	if C.ctest_alloc_on_thread(&csizes[0], &pointers[0], C.size_t(len(sizes))) != 0 {
		panic("ctest: no thread, or no memory")
	}
	blocks := make([][]byte, len(sizes))
	for i, p := range pointers {
		blocks[i] = unsafe.Slice((*byte)(p), sizes[i])
	}
	return blocks
}

// ChurnOnThread allocates and frees a block of each size in turn, by cmem_alloc and cmem_free on a
// new C thread, and returns what each held by cmem_usable_size.
func ChurnOnThread(sizes []int) []int {
	in, out := make([]C.size_t, len(sizes)), make([]C.size_t, len(sizes))
	for i, n := range sizes {
		in[i] = C.size_t(n)
	}
	if C.ctest_churn_on_thread(&in[0], &out[0], C.size_t(len(sizes))) != 0 {
		panic("ctest: no thread, or no memory")
	}
	usable := make([]int, len(sizes))
	for i, n := range out {
		usable[i] = int(n)
	}
	return usable
}

// Boost boosts the capacity of the cache at that address, as if it thrashed with so many bytes in
// use. The cache adopts it on its next slow path.
func Boost(cache uintptr, inuse int) { C.ctest_boost(C.uintptr_t(cache), C.size_t(inuse)) }

// EmptyLists empties the transfer lists.
func EmptyLists() { C.ctest_empty_lists() }

// ScavengerStart is cmem_scavenger_start; its error is errno.
func ScavengerStart(idleNs uint64) error {
	if r, errno := C.cmem_scavenger_start(C.uint64_t(idleNs)); r != 0 {
		return errno
	}
	return nil
}

// ScavengerStop is cmem_scavenger_stop.
func ScavengerStop() { C.cmem_scavenger_stop() }

// FreeOnThread frees the blocks by cmem_free on a new C thread, which has ended when FreeOnThread
// returns.
func FreeOnThread(blocks [][]byte) {
	pointers := make([]unsafe.Pointer, len(blocks))
	for i, b := range blocks {
		pointers[i] = unsafe.Pointer(unsafe.SliceData(b))
	}
	if C.ctest_free_on_thread(&pointers[0], C.size_t(len(pointers))) != 0 {
		panic("ctest: no thread")
	}
}
