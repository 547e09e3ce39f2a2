//go:build cgo && linux && !race && (arm64 || riscv64 || (amd64 && (asan || cmem_pinned || !go1.24 || go1.28)))

package cmem

import "unsafe"

// Where the fast paths are not in assembly (fast_amd64.go) they are those of pinned_c.go.

func alloc(n int) unsafe.Pointer { return allocPinned(n) }

func allocFast(n int) unsafe.Pointer { return allocFastOther(n) }

func free(p unsafe.Pointer) { freePinned(p) }

func fastPath() string { return "pinned" }
