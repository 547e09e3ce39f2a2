package cmem

import "math/bits"

// The size classes of libcmem (internal.h tells why they are what they are): 16-byte steps up to 256 bytes, then 8 steps
// a doubling up to 16 MiB. A test compares them with the C library's.
const (
	numClasses   = 144
	maxClassSize = 16 << 20
	largeMin     = 32 << 10 // from here on a block is whole pages of its own
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
