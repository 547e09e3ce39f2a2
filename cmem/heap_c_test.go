//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"runtime"
	"testing"

	"github.com/gocmem/cmem/c"
)

// TestClassesOfC compares the table of size classes with the C library's.
func TestClassesOfC(t *testing.T) {
	for cls, got := range SizeClasses() {
		size, spanBytes, blocks, minSize := c.ClassInfo(uint(cls))
		want := SizeClass{Size: size, MinSize: max(minSize, 1), SpanBytes: spanBytes, Blocks: blocks}
		if got != want {
			t.Errorf("class %d is %+v, C's is %+v", cls, got, want)
		}
		// freeFull carries half a magazine, and more, in a batch of MaxMagazine.
		if n := c.MagazineSize(uint(cls)); n < 2 || n > c.MaxMagazine {
			t.Errorf("magazines of class %d hold %d blocks, want 2 to %d", cls, n, c.MaxMagazine)
		}
	}
}

// TestHugePair: a huge block costs a cgo call to allocate and one to free.
func TestHugePair(t *testing.T) {
	needCaches(t)
	noLeak(t)
	const pairs = 1000
	before := runtime.NumCgoCall()
	for range pairs {
		Free(Alloc(maxClassSize + 1))
	}
	if calls := runtime.NumCgoCall() - before; calls > 2*pairs+pairs/10 {
		t.Errorf("%d cgo calls for %d pairs, want 2 a pair", calls, pairs)
	}
}

// TestShrinkCalls: a Realloc that cuts a block's tail off costs one cgo call.
func TestShrinkCalls(t *testing.T) {
	noLeak(t)
	for _, n := range []int{100_000, 12 << 20, 20 << 20, 40 << 20} {
		b := Alloc(n)
		before := runtime.NumCgoCall()
		b = Realloc(b, n/3)
		if calls := runtime.NumCgoCall() - before; calls > 1 {
			t.Errorf("%d to %d bytes: %d cgo calls, want 1", n, n/3, calls)
		}
		Free(b)
	}
}
