package cmem

import "math/bits"

// The size classes of libcmem (internal.h tells why they are what they are): 16-byte steps up to 256 bytes, then 8 steps
// a doubling up to 16 MiB. A test compares them with the C library's.
const (
	numClasses   = 144
	maxClassSize = 16 << 20
	largeMin     = 32 << 10 // from here on a block is whole pages of its own
	pageShift    = 12
)

// classOf is the class of n, 1 <= n <= maxClassSize, and its block size.
func classOf(n int) (cls uint, size int) {
	m := uint(n - 1)
	e := uint(bits.Len(m|128)) - 4
	k := m >> (e & 63)
	return (e-4)*8 + k, int(k+1) << (e & 63)
}

// classSize is the block size of each class.
var classSize = func() (t [numClasses]uint32) {
	for n, size := 1, 0; n <= maxClassSize; n = size + 1 {
		var cls uint
		cls, size = classOf(n)
		t[cls] = uint32(size)
	}
	return t
}()

// A SizeClass describes the blocks that serve requests of MinSize to Size bytes.
type SizeClass struct {
	Size      int // bytes a block
	MinSize   int // the smallest request
	SpanBytes int // bytes of the run of pages that blocks are cut from
	Blocks    int // blocks a span
}

// TailWaste is the bytes of a span that belong to no block.
func (c SizeClass) TailWaste() int { return c.SpanBytes - c.Blocks*c.Size }

// MaxWaste is the largest share of a span, 0 to 1, that is wasted: its tail, and what is left of all its blocks where they
// serve the smallest request.
func (c SizeClass) MaxWaste() float64 {
	return 1 - float64(c.Blocks*c.MinSize)/float64(c.SpanBytes)
}

// SizeClasses returns the size classes, smallest first. Requests above the last one's Size are rounded to whole pages.
func SizeClasses() []SizeClass {
	classes := make([]SizeClass, numClasses)
	next := 1
	for i := range classes {
		size := int(classSize[i])
		pages, blocks := spanOf(size)
		classes[i] = SizeClass{size, next, pages << pageShift, blocks}
		next = size + 1
	}
	return classes
}

// spanOf is the length in pages, and the number of blocks, of the spans that blocks of the given class size are cut from:
// as every size is k << e with k <= 16, k pages hold 2^(12-e) blocks without a rest.
func spanOf(size int) (pages, blocks int) {
	if size >= largeMin {
		return size >> pageShift, 1
	}
	e := bits.Len(uint(size-1)|128) - 4
	return size >> e, 1 << (pageShift - e)
}
