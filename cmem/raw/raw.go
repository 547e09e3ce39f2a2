//go:build cgo

// Package raw is C's malloc and free as two Go functions and nothing else: the baseline that
// package cmem is measured against. Every call costs a cgo call, freed memory stays with the C
// library's allocator, and no mistake is caught: a double free is undefined behaviour, as in C.
//
// It needs cgo; with CGO_ENABLED=0 it does not build.
package raw

// #include <stdlib.h>
import "C"

import "unsafe"

// Alloc returns size bytes from C.malloc, not zeroed. The block is the caller's until it goes to
// Free; the collector neither sees nor frees it. Alloc(0) returns what malloc(0) does. Out of
// memory ends the process, as for any C.malloc call from Go.
func Alloc(size uintptr) *byte { return (*byte)(C.malloc(C.size_t(size))) }

// Free gives a block of Alloc back by C.free. Free(nil) does nothing.
func Free(ptr *byte) { C.free(unsafe.Pointer(ptr)) }
