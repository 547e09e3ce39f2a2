package cmem

import (
	"fmt"
	"math"
	"testing"
)

// alignments are all that AllocAligned takes.
func alignments() (all []int) {
	for align := 1; align <= maxAlign; align *= 2 {
		all = append(all, align)
	}
	return all
}

// TestAllocAligned allocates at each alignment blocks of all sizes at which something changes, holds
// some of each, and frees them.
func TestAllocAligned(t *testing.T) {
	for _, align := range alignments() {
		t.Run(fmt.Sprint(align), func(t *testing.T) {
			noLeak(t)
			var held []filled
			for i, n := range boundarySizes() {
				if n > 1<<20 && i%16 != 0 || slowBuild && i%5 != 0 {
					continue
				}
				for range 2 {
					b := AllocAligned(n, align)
					checkAligned(t, b, n, align)
					held = append(held, fill(b, uint64(len(held)+1)))
				}
				if len(held) < 32 {
					continue
				}
				for _, f := range held {
					f.check(t)
					Free(f.b[:0])
				}
				held = held[:0]
			}
			for _, f := range held {
				f.check(t)
				Free(f.b)
			}
		})
	}
}

func checkAligned(t *testing.T, b []byte, n, align int) {
	t.Helper()
	if len(b) != n || cap(b) != n {
		t.Errorf("%d bytes at %d: length %d, capacity %d", n, align, len(b), cap(b))
	}
	if addr(b)%uintptr(align) != 0 || addr(b)%16 != 0 {
		t.Errorf("%d bytes at %d: the address is %#x", n, align, addr(b))
	}
	// A class of this size is a multiple of the alignment; beyond a page it need not be.
	most := mostUsable(n + align)
	if align > 4096 {
		most = max(mostUsable(n), 32<<10)
	}
	if usable := Usable(b); usable < n || usable > most {
		t.Errorf("%d bytes at %d: %d usable, want %d at most", n, align, usable, most)
	}
}

// TestAllocAlignedRandom mixes alignments, sizes, frees and reuse.
func TestAllocAlignedRandom(t *testing.T) {
	noLeak(t)
	rng, _ := newRand(t)
	all := alignments()
	var held []filled
	for i := range scaled(20_000) {
		if len(held) > 0 && (len(held) > 40 || rng.IntN(2) == 0) {
			j := rng.IntN(len(held))
			held[j].check(t)
			Free(held[j].b)
			held[j] = held[len(held)-1]
			held = held[:len(held)-1]
			continue
		}
		n, align := 1+rng.IntN(1<<rng.IntN(17)), all[rng.IntN(len(all))]
		b := AllocAligned(n, align)
		checkAligned(t, b, n, align)
		held = append(held, fill(b, uint64(i+1)))
	}
	for _, f := range held {
		f.check(t)
		Free(f.b)
	}
}

// A P that does little else than allocate serves requests with blocks of other classes: not these.
func TestAllocAlignedBusy(t *testing.T) {
	noLeak(t)
	var held [64][]byte
	for i := range scaled(200_000) {
		n := 200 + i*7919%4000
		b := &held[i%len(held)]
		Free(*b)
		if *b = Alloc(n); i%16 == 0 {
			Free(*b)
			before := statsNow()
			*b = AllocAligned(n, 256)
			if addr(*b)%256 != 0 {
				t.Fatalf("%d bytes at %#x, want a multiple of 256", n, addr(*b))
			}
			cls, _ := classOf(Usable(*b))
			if got := statsNow().BySize[cls].Mallocs - before.BySize[cls].Mallocs; got != 1 {
				t.Fatalf("%d bytes: %d allocations of its class were counted, want 1", n, got)
			}
		}
	}
	for _, b := range held {
		Free(b)
	}
}

func TestAllocAlignedMisuse(t *testing.T) {
	noLeak(t)
	for _, align := range []int{-4096, -1, 0, 3, 24, 4097, maxAlign - 1, maxAlign + 1, 2 * maxAlign, math.MinInt} {
		for _, n := range []int{-1, 0, 100} {
			checkMisuse(t, MisuseError{Func: "AllocAligned",
				What: fmt.Sprintf("the alignment is %d, want a power of two from 1 to 4194304", align)},
				func() { AllocAligned(n, align) })
		}
	}
	before := statsNow()
	for _, align := range alignments() {
		if b := AllocAligned(0, align); b == nil || cap(b) != 0 {
			t.Errorf("AllocAligned(0, %d) = %v with capacity %d, want an empty slice, not nil", align, b, cap(b))
		}
	}
	if after := statsNow(); after != before {
		t.Errorf("buffers of no bytes changed the figures:\n%+v\n%+v", before, after)
	}
	for _, align := range []int{64, 4096, 1 << 20} {
		b := AllocAligned(100_000, align)
		size := Usable(b)
		eachUser(t, b[64:], texts.live(64, size, addr(b)))
		Free(b)
		eachUser(t, b, doubleFree(size, false))
	}
}

// TestAllocAlignedRealloc: an aligned block is resized as any other, and stays aligned where it
// stays.
func TestAllocAlignedRealloc(t *testing.T) {
	for _, align := range alignments() {
		for _, n := range []int{100, 5000, 100_000, 300_000, 1 << 20, maxClassSize + 1} {
			for _, to := range []int{1, n / 3, n - 1, n + 1, 3 * n, Usable(nil)} {
				if slowBuild && n > 1<<20 {
					continue
				}
				b := AllocAligned(n, align)
				if to == 0 {
					to = Usable(b)
				}
				old, have := addr(b), Usable(b)
				f := fill(b, 7)
				b = Realloc(f.b, to)
				filled{b[:min(n, to)], 7}.check(t)
				fill(b, 8).check(t)
				if to == have && addr(b) != old {
					t.Errorf("%d bytes at %d: Realloc to the usable %d moved", n, align, to)
				}
				Free(b)
			}
		}
	}
}

// TestAllocAlignedLimit: memory that nobody uses makes room; beyond, it fails as Alloc does.
func TestAllocAlignedLimit(t *testing.T) {
	noLeak(t)
	Scavenge()
	inuse := int64(statsNow().HeapInuse)
	defer SetLimit(SetLimit(inuse + 16<<20))
	for _, align := range []int{64, 4096, 1 << 16, 1 << 20} {
		for range 3 {
			b := AllocAligned(9<<20, align) // 12 MiB are in the P's cache
			err, _ := panicOf(func() { AllocAligned(9<<20, align) }).(error)
			checkError(t, "AllocAligned beyond the limit", err, ErrNoMemory, 9<<20)
			reclaimer.took = 0 // that was in vain, and so would not be tried again for a while
			Free(b)
			Free(Alloc(12 << 20))
		}
	}
	Scavenge()
}
