//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"unsafe"

	"github.com/gocmem/cmem/c"
)

// allocAligned allocates n > 0 bytes at a multiple of align, a power of two; nil where memory is
// out. A span starts at a page: so up to a page's alignment any block will do whose size is a
// multiple of it, and those come from the magazines. Beyond, the block is a span of its own,
// uncached.
func allocAligned(n, align int) unsafe.Pointer {
	if cacheless || align > 1<<c.PageShift {
		return c.AllocAligned(n, align)
	}
	if n > maxClassSize {
		return allocSlow(n, false)
	}
	cls, size := classOf(n)
	for size%align != 0 {
		cls++
		size = int(classSize[cls])
	}
	p := allocFast(size)
	if uintptr(p)%uintptr(align) != 0 { // borrowed: the P is boosted
		free(p)
		p = nil
	}
	if p == nil {
		p = allocSlow(size, false)
	}
	return p
}
