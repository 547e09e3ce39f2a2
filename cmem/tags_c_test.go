//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"testing"
	"unsafe"

	"github.com/gocmem/cmem/c"
)

// twoLeaves returns two blocks of n bytes in different leaves of the pagemap, as a heap has that is
// larger than one, or lies across two.
func twoLeaves(tb testing.TB, n int) (x [2][]byte) {
	if slowBuild {
		tb.Skip("takes 1 GiB of addresses, and of AddressSanitizer's shadow")
	}
	leafOf := func(b []byte) uintptr { return uintptr(unsafe.Pointer(&b[0])) >> c.LeafShift }
	var fill [][]byte
	x[0] = Alloc(n)
	for x[1] = Alloc(n); leafOf(x[1]) == leafOf(x[0]); x[1] = Alloc(n) {
		fill = append(fill, x[1], Alloc(32<<20))
	}
	for _, b := range fill {
		Free(b)
	}
	return x
}

func TestTwoLeaves(t *testing.T) {
	for _, n := range []int{100, 48 << 10} {
		x := twoLeaves(t, n)
		for range 3 {
			size := [2]int{Usable(x[0]), Usable(x[1])} // not always alike: see exact
			Free(x[0])
			Free(x[1])
			for i, b := range x {
				checkMisuse(t, MisuseError{"Free", addr(b), texts.double(size[i])}, func() { Free(b) })
			}
			x[1] = Alloc(n) // what was freed last comes first
			x[0] = Alloc(n)
		}
		Free(x[0])
		Free(x[1])
	}
	Scavenge()
}

func BenchmarkTwoLeaves(b *testing.B) {
	const n = 48 << 10
	x := twoLeaves(b, n)
	for b.Loop() {
		Free(x[0])
		Free(x[1])
		x[1] = Alloc(n)
		x[0] = Alloc(n)
	}
	Free(x[0])
	Free(x[1])
	Scavenge()
}
