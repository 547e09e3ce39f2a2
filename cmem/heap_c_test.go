//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"runtime"
	"testing"

	"github.com/gocmem/cmem/c"
)

// TestClassesOfC compares the size classes with the C library's.
func TestClassesOfC(t *testing.T) {
	if numClasses != c.NumClasses || maxClassSize != c.MaxClassSize || largeMin != c.LargeMin || pageShift != c.PageShift {
		t.Errorf("numClasses %d, maxClassSize %d, largeMin %d, pageShift %d; C has %d, %d, %d, %d",
			numClasses, maxClassSize, largeMin, pageShift, c.NumClasses, c.MaxClassSize, c.LargeMin, c.PageShift)
	}
	classes := SizeClasses()
	if len(classes) != c.NumClasses {
		t.Fatalf("%d size classes, want %d", len(classes), c.NumClasses)
	}
	for cls, got := range classes {
		size, spanBytes, blocks, minSize := c.ClassInfo(uint(cls))
		want := SizeClass{Size: size, MinSize: max(minSize, 1), SpanBytes: spanBytes, Blocks: blocks}
		if got != want {
			t.Errorf("class %d is %+v, C's is %+v", cls, got, want)
		}
		if int(classSize[cls]) != size {
			t.Errorf("classSize[%d] = %d, want %d", cls, classSize[cls], size)
		}
		if large := size >= largeMin; large != (cls >= c.NumSmall) {
			t.Errorf("class %d of %d bytes is large: %v", cls, size, large)
		}
		for _, n := range []int{want.MinSize, (want.MinSize + size) / 2, size} {
			if gotCls, gotSize := classOf(n); gotCls != uint(cls) || gotSize != size {
				t.Errorf("classOf(%d) = %d, %d, want %d, %d", n, gotCls, gotSize, cls, size)
			}
		}
		n := c.Refill(uint(cls))
		if n < 1 || n > c.MaxRefill {
			t.Errorf("class %d is refilled with %d blocks, want 1 to %d", cls, n, c.MaxRefill)
		}
		if got := refillOf(size); got != n {
			t.Errorf("refillOf(%d) = %d, want %d", size, got, n)
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
