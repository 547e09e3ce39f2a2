//go:build race && cgo && linux && (amd64 || arm64 || riscv64)

package cmem

import "github.com/gocmem/cmem/c"

// Under the race detector a block that C code allocated may still be freed in Go, but none of Go's
// in C.

func init() { c.ReportGoMemory() }

func freeC(p uintptr) bool  { return c.Free(p) }
func usableC(p uintptr) int { return c.Usable(p) }
func describeC(p uintptr, frees bool) string {
	if what, foreign := c.Describe(p, frees); !foreign {
		return what
	}
	return ""
}
