package cmem

import "math/bits"

// The size classes of libcmem (sizeclass.h tells why they are what they are): 16-byte steps up to
// 256 bytes, then 8 steps a doubling up to 16 MiB. Their table, sizetable.go, is generated from the
// C headers.

// classOf is the class of n, 1 <= n <= maxClassSize, and its block size.
func classOf(n int) (cls uint, size int) {
	m := uint(n - 1)
	e := uint(bits.Len(m|128)) - 4
	k := m >> (e & 63)
	return (e-4)*8 + k, int(k+1) << (e & 63)
}

// A SizeClass describes the blocks that serve requests of MinSize to Size bytes.
type SizeClass struct {
	Size      int // bytes a block
	MinSize   int // the smallest request
	SpanBytes int // bytes of the run of pages that blocks are carved from
	Blocks    int // blocks a span
}

// TailWaste is the bytes of a span that belong to no block.
func (c SizeClass) TailWaste() int { return c.SpanBytes - c.Blocks*c.Size }

// MaxWaste is the largest share of a span, 0 to 1, that is wasted: its tail, and what is left of
// all its blocks where they serve the smallest request.
func (c SizeClass) MaxWaste() float64 {
	return 1 - float64(c.Blocks*c.MinSize)/float64(c.SpanBytes)
}

// SizeClasses returns the size classes, smallest first. Requests above the last one's Size are
// rounded to whole pages.
func SizeClasses() []SizeClass {
	classes := make([]SizeClass, numClasses)
	next := 1
	for i := range classes {
		size, span := int(classSize[i]), classSpan[i]
		classes[i] = SizeClass{size, next, int(span.pages) << pageShift, int(span.blocks)}
		next = size + 1
	}
	return classes
}
