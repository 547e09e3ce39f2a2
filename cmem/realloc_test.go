package cmem

import (
	"fmt"
	"runtime"
	"testing"
)

// TestRealloc moves buffers between sizes of all kinds and looks for their bytes.
func TestRealloc(t *testing.T) {
	noLeak(t)
	Scavenge() // a P that was busy in another test may serve Alloc with larger blocks
	const huge = maxClassSize + 1
	tests := []struct {
		from, to int
		stays    bool // the same block
	}{
		{1, 16, true},
		{16, 17, false},
		{100, 112, true},
		{100, 113, false},
		{1000, 1, true},
		{30 << 10, 1, true},
		{30 << 10, 30 << 10, true},
		{30<<10 - 100, 30 << 10, true},
		{30 << 10, 30<<10 + 1, false},
		{60 << 10, 1, true},         // below 64 KiB nothing is given back
		{64 << 10, 32 << 10, true},  // half is enough
		{64 << 10, 1, false},        // large to small
		{1 << 20, 100_000, offHeap}, // large to smaller: its tail is cut off
		{1 << 20, 512 << 10, true},  // large, shrunk in place
		{100_000, 1 << 20, false},   // large to larger
		{1 << 20, huge, false},      // large to huge
		{1000, huge, false},         // small to huge
		{huge, 3 * huge, false},     // huge to larger
		{3 * huge, 2 * huge, true},  // huge, shrunk in place
		{3 * huge, huge, offHeap},   // huge to smaller
		{huge, 1 << 20, offHeap},    // huge to large
		{huge, 32 << 10, offHeap},   // to the least of a large one
		{huge, 1000, false},         // huge to small
		{huge, huge + 2000, true},   // within the page
		{maxClassSize, huge, false}, // over the last class
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d-%d", tt.from, tt.to), func(t *testing.T) {
			noLeak(t)
			live := statsNow().LiveBlocks
			f := fill(Alloc(tt.from), 42)
			old := addr(f.b)
			b := Realloc(f.b, tt.to)
			if len(b) != tt.to || cap(b) != tt.to {
				t.Errorf("length %d, capacity %d, want %d", len(b), cap(b), tt.to)
			}
			if stays := addr(b) == old; stays != tt.stays {
				t.Errorf("the block stays: %v, want %v", stays, tt.stays)
			}
			filled{b[:min(tt.from, tt.to)], 42}.check(t)
			fill(b, 43).check(t)
			if got := statsNow().LiveBlocks - live; got != 1 {
				t.Errorf("%d blocks are live, want 1", got)
			}
			if have := Usable(b); have > 64<<10 && have > 2*usableBound(tt.to) {
				t.Errorf("the block still has %d bytes", have)
			}
			if !tt.stays && !raceBuild { // under -race the old block is Go's, who may have used it for the new one
				checkFreed(t, old, b)
			}
			Free(b)
		})
	}
}

// TestReallocShrinks: less memory is to be had for less, even where there is no more: a large block
// is cut where it is, and one that would have to move stays as it is.
func TestReallocShrinks(t *testing.T) {
	for _, tt := range []struct{ from, to int }{
		{12 << 20, 5 << 20}, {100_000, 40_000}, {300_000, 32 << 10}, {5<<20 - 4096, 300_000}, {20 << 20, 5 << 20},
		{60 << 20, 20 << 20},
		{12 << 20, 20_000}, {100_000, 100}, {20 << 20, 1},
	} {
		for _, attach := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d-%d-%v", tt.from, tt.to, attach), func(t *testing.T) {
				noLeak(t)
				Scavenge()
				f := fill(Alloc(tt.from), 11)
				owner := &handle{name: "of the attached"}
				if attach {
					Attach(owner, f.b)
				}
				SetLimit(1)
				defer SetLimit(0)
				b := Realloc(f.b, tt.to)
				if len(b) != tt.to || cap(b) != tt.to {
					t.Errorf("length %d, capacity %d, want %d", len(b), cap(b), tt.to)
				}
				filled{b, 11}.check(t)
				fill(b, 12).check(t)
				if cut := offHeap && !attach && tt.to >= 32<<10; cut && (addr(b) != addr(f.b) || Usable(b) > usableBound(tt.to)) {
					t.Errorf("at %#x, %d bytes usable, want at %#x, %d at most", addr(b), Usable(b), addr(f.b), usableBound(tt.to))
				}
				Free(b)
				runtime.KeepAlive(owner)
			})
		}
	}
}

// checkFreed checks that no live block but b starts at a.
func checkFreed(t *testing.T, a uintptr, b []byte) {
	t.Helper()
	if addr(b) == a {
		return
	}
	if _, ok := panicOf(func() { Usable(wild(a, 1)) }).(*MisuseError); !ok {
		t.Errorf("the block at %#x is live still", a)
	}
}

// TestReallocEdges is about lengths that are not the block's.
func TestReallocEdges(t *testing.T) {
	noLeak(t)
	t.Run("from nothing", func(t *testing.T) {
		b := Realloc(make([]byte, 9)[9:], 100) // of capacity 0
		if len(b) != 100 || cap(b) != 100 {
			t.Errorf("length %d, capacity %d, want 100", len(b), cap(b))
		}
		Free(b)
	})
	t.Run("to nothing", func(t *testing.T) {
		noLeak(t)
		for _, k := range sizesOfKinds {
			b := Realloc(Alloc(k.n), 0)
			if b == nil || len(b) != 0 || cap(b) != 0 {
				t.Errorf("Realloc(b, 0) = %v with capacity %d, want an empty slice, not nil", b, cap(b))
			}
		}
	})
	t.Run("keeps the length, not the capacity", func(t *testing.T) {
		noLeak(t)
		for _, k := range sizesOfKinds {
			f := fill(Alloc(k.n), 7)
			b := Realloc(f.b[:10], 3*k.n)
			filled{b[:10], 7}.check(t)
			b = Realloc(b[:0], 5*k.n)
			if len(b) != 5*k.n {
				t.Errorf("length %d, want %d", len(b), 5*k.n)
			}
			Free(b)
		}
	})
	t.Run("grows to what is usable", func(t *testing.T) {
		noLeak(t)
		for _, n := range []int{1, 100, 1000, 40_000, 1_000_000, maxClassSize + 1} {
			f := fill(Alloc(n), 9)
			b := Realloc(f.b, Usable(f.b))
			if addr(b) != addr(f.b) {
				t.Errorf("%d bytes: Realloc(b, Usable(b)) moved the block", n)
			}
			filled{b[:n], 9}.check(t)
			fill(b, 10).check(t)
			Free(b)

			owner := &handle{name: "of the attached"}
			b = Alloc(n)
			Attach(owner, b)
			if got := Realloc(b, Usable(b)); addr(got) != addr(b) {
				t.Errorf("%d attached bytes: Realloc(b, Usable(b)) moved the block", n)
			}
			Free(b)
			runtime.KeepAlive(owner)
		}
	})
	t.Run("step by step", func(t *testing.T) {
		noLeak(t)
		b := Alloc(1)
		b[0] = 1
		for n := 2; n < scaled(3_000_000); n += n/7 + 1 {
			old := len(b)
			b = Realloc(b, n)
			for i := range b[old:] {
				b[old+i] = byte((old + i + 1) % 251)
			}
		}
		for n := len(b); n > 0; n = n * 6 / 7 {
			b = Realloc(b, n)
			for i := 0; i < n; i += n/1000 + 1 {
				if b[i] != byte((i+1)%251) {
					t.Fatalf("byte %d of %d is %d, want %d", i, n, b[i], (i+1)%251)
				}
			}
		}
		Free(b)
	})
}
