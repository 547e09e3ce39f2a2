package cmem

import (
	"fmt"
	"math"
	"unsafe"
)

// maxAlign is the most that AllocAligned aligns to.
const maxAlign = 4 << 20

// AllocAligned is Alloc at an address that is a multiple of align, a power of two of 4 MiB at most:
// 512 or 4096 for O_DIRECT, 64 for cache lines, SIMD and Arrow. n need not be a multiple of it. The
// buffer is one like any other: Free takes it, and Realloc, which keeps the alignment only where the
// buffer stays in its place. For O_DIRECT take an n that is a multiple too: to ask for more later is
// to move.
//
// The block is of the first size class that is a multiple of align; beyond 4096 it is one of 32 KiB
// at least, and each call is a cgo call. (In builds over Go memory a buffer takes align bytes more.)
//
// AllocAligned panics as Alloc does, and with a *MisuseError where align is no such power of two.
func AllocAligned(n, align int) []byte {
	if align <= 0 || align&(align-1) != 0 || align > maxAlign {
		panic(&MisuseError{Func: "AllocAligned",
			What: fmt.Sprintf("the alignment is %d, want a power of two from 1 to %d", align, maxAlign)})
	}
	switch {
	case n < 0:
		panic(sizeError(n))
	case n == 0:
		return []byte{}
	case n > math.MaxInt-maxClassSize:
		panic(noMemoryError(n))
	}
	p := allocAligned(n, align)
	if p == nil {
		p = reclaimAndAlloc(n, func() unsafe.Pointer { return allocAligned(n, align) })
	}
	if p == nil {
		panic(noMemoryError(n))
	}
	return slice(p, n)
}
