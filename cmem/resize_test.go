package cmem

import (
	"fmt"
	"runtime"
	"testing"
)

// TestResize takes handles from any size to any other.
func TestResize(t *testing.T) {
	sizes := []int{0, 1, 16, 100, 112, 5000, 60 << 10, 100_000, 300_000, 1 << 20, maxClassSize + 1}
	for _, from := range sizes {
		for _, to := range sizes {
			t.Run(fmt.Sprintf("%d-%d", from, to), func(t *testing.T) {
				noLeak(t)
				before := heldByHandles()
				b := New(from)
				clone := b
				have := b.Cap()
				f := fill(b.Bytes(), 42)
				b.Resize(to)
				got := clone.Bytes()
				if len(got) != to || cap(got) != to || b.Cap() < to || from == 0 && have != 0 {
					t.Errorf("length %d, capacity %d, Cap %d of %d", len(got), cap(got), b.Cap(), to)
				}
				if have >= to && to > 0 && !worthShrinking(have, to) && addr(got) != addr(f.b) {
					t.Errorf("it moved, and the block had room for %d", have)
				}
				filled{got[:min(from, to)], 42}.check(t)
				fill(got, 43).check(t)
				if to > 0 {
					refuseOwned(t, got)
					b.Resize(b.Cap())
					if again := b.Bytes(); addr(again) != addr(got) || len(again) != b.Cap() {
						t.Error("Resize to Cap did not stay in place")
					}
					filled{b.Bytes()[:to], 43}.check(t)
				}
				clone.Free()
				if held := heldByHandles() - before; held != 0 {
					t.Errorf("%+d bytes are held by handles, want 0", held)
				}
				checkStale(t, b)
				checkMisuse(t, MisuseError{Func: "Buffer.Resize", What: "the buffer was freed"}, func() { b.Resize(to) })
				checkMisuse(t, MisuseError{Func: "Buffer.Cap", What: "the buffer was freed"}, func() { b.Cap() })
			})
		}
	}
}

func TestResizeZero(t *testing.T) {
	var zero Buffer
	if zero.Cap() != 0 {
		t.Errorf("the zero Buffer has Cap %d", zero.Cap())
	}
	checkMisuse(t, MisuseError{Func: "Buffer.Resize", What: "the zero Buffer: New makes one"}, func() { zero.Resize(1) })
}

// A shrink works where no memory is to be had.
func TestResizeShrinks(t *testing.T) {
	noLeak(t)
	b := New(100_000)
	f := fill(b.Bytes(), 11)
	Scavenge()
	SetLimit(1)
	b.Resize(40_000)
	err, _ := panicOf(func() { b.Resize(200_000) }).(error)
	SetLimit(0)
	checkError(t, "Resize beyond the limit", err, ErrNoMemory, 200_000)
	if b.Len() != 40_000 {
		t.Errorf("%d bytes, want 40000", b.Len())
	}
	filled{f.b[:40_000], 11}.check(t)
	b.Free()
}

// Handles that grow and are lost make a collection due, as those that New makes as large do: 400 MB
// would be live without one. (The race detector lets cleanups wait.)
func TestResizeLost(t *testing.T) {
	collectAll(t)
	noLeak(t)
	before := statsNow()
	most := uint64(0)
	for range 2000 {
		b := New(16)
		b.Resize(200_000)
		b.Bytes()[0] = 1
		most = max(most, statsNow().LiveBytes-before.LiveBytes)
	}
	if most > 100<<20 && !raceBuild {
		t.Errorf("%d bytes of lost handles were live", most)
	}
	afterGC(t, "lost buffers are freed", func() bool { return statsNow().LiveBlocks == before.LiveBlocks })
}

// A Resize and a Free, of copies of a handle, at the very same time are a mistake that harms nobody
// else.
func TestResizeConcurrentFree(t *testing.T) {
	noLeak(t)
	before := statsNow().LiveBlocks
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	p := newPair()
	for range scaled(2000) {
		b := New(500)
		p.together(func() { panicOf(func() { b.Resize(5000) }) }, func() { b.Free() })
	}
	p.end()
	checkHeapWorks(t, 500)
	checkHeapWorks(t, 5000)
	afterGC(t, "all are freed", func() bool { return statsNow().LiveBlocks == before })
}
