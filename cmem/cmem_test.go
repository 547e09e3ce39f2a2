package cmem

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// allocators are the ways to get a buffer of n bytes.
var allocators = []struct {
	name   string
	zeroed bool
	alloc  func(n int) []byte
}{
	{"Alloc", false, Alloc},
	{"AllocZeroed", true, AllocZeroed},
	{"TryAlloc", false, func(n int) []byte {
		b, err := TryAlloc(n)
		if err != nil {
			panic(err)
		}
		return b
	}},
	{"Realloc", false, func(n int) []byte { return Realloc(nil, n) }},
}

// TestAllocSizes allocates blocks of all sizes at which something changes, in every way, and looks at what it gets.
func TestAllocSizes(t *testing.T) {
	noLeak(t)
	for _, a := range allocators {
		t.Run(a.name, func(t *testing.T) {
			for i, n := range boundarySizes() {
				before := statsNow()
				b := a.alloc(n)
				if len(b) != n || cap(b) != n {
					t.Fatalf("%d bytes: length %d, capacity %d", n, len(b), cap(b))
				}
				if addr(b)%16 != 0 {
					t.Errorf("%d bytes at %#x, which is no multiple of 16", n, addr(b))
				}
				usable := Usable(b)
				if most := mostUsable(n); usable < n || usable > most {
					t.Errorf("%d bytes: %d usable, want %d at most", n, usable, most)
				}
				after := statsNow()
				if blocks, bytes := after.LiveBlocks-before.LiveBlocks, after.LiveBytes-before.LiveBytes; blocks != 1 || bytes != uint64(usable) {
					t.Errorf("%d bytes: LiveBlocks grew by %d, LiveBytes by %d, want 1 and %d", n, blocks, bytes, usable)
				}
				if blocks, bytes := after.Mallocs-before.Mallocs, after.TotalAlloc-before.TotalAlloc; blocks != 1 || bytes != uint64(usable) {
					t.Errorf("%d bytes: Mallocs grew by %d, TotalAlloc by %d, want 1 and %d", n, blocks, bytes, usable)
				}
				if a.zeroed {
					checkZero(t, b)
				}
				if n <= 1<<20 || i%8 == 0 {
					fill(b, uint64(n)).check(t)
				} else {
					b[0], b[n/2], b[n-1] = 1, 2, 3
				}
				Free(b[:0])
				if freed := statsNow(); freed.LiveBlocks != before.LiveBlocks || freed.Frees != before.Frees+1 {
					t.Errorf("%d bytes: Free(b[:0]) did not free", n)
				}
			}
		})
	}
}

// checkZero tells where b is not zero.
func checkZero(t *testing.T, b []byte) {
	t.Helper()
	if (filled{b, 0}).err() == nil { // the pattern of seed 0
		return
	}
	for i, x := range b {
		if x != 0 {
			t.Errorf("byte %d of %d is %#x, want 0", i, len(b), x)
			return
		}
	}
}

// TestBlocksApart holds blocks of every class at the same time: none may share a byte with another.
func TestBlocksApart(t *testing.T) {
	noLeak(t)
	var held []filled
	for i, n := range boundarySizes() {
		if n > 128<<10 {
			break
		}
		for j := range 8 {
			held = append(held, fill(Alloc(n), uint64(i*8+j+1)))
		}
	}
	for _, f := range held {
		f.check(t)
		Free(f.b)
	}
}

// TestAllocZero allocates nothing.
func TestAllocZero(t *testing.T) {
	before := statsNow()
	for _, a := range allocators {
		b := a.alloc(0)
		if b == nil || len(b) != 0 || cap(b) != 0 {
			t.Errorf("%s(0) = %v with capacity %d, want an empty slice, not nil", a.name, b, cap(b))
		}
		Free(b)
		Free(b)
	}
	Free(nil)
	Free([]byte{})
	Free(make([]byte, 8)[:0:0])
	if n := Usable(nil); n != 0 {
		t.Errorf("Usable(nil) = %d", n)
	}
	if after := statsNow(); after != before {
		t.Errorf("buffers of no bytes changed the figures:\n%+v\n%+v", before, after)
	}
}

// TestAllocErrors asks for sizes that cannot be had.
func TestAllocErrors(t *testing.T) {
	noLeak(t)
	const wordMax = math.MaxInt
	type test struct {
		n    int
		want error
	}
	tests := []test{
		{-1, ErrSize},
		{-16, ErrSize},
		{math.MinInt, ErrSize},
		{wordMax, ErrNoMemory},
		{wordMax - 1, ErrNoMemory},
		{wordMax - 4096, ErrNoMemory},
		{wordMax - maxClassSize + 1, ErrNoMemory},
	}
	if strconv.IntSize == 64 { // 32-bit machines may have as much
		tests = append(tests, test{wordMax - maxClassSize, ErrNoMemory}, test{wordMax / 4 * 3, ErrNoMemory})
		for shift := 49; shift < 63; shift++ {
			tests = append(tests, test{1 << (shift % strconv.IntSize), ErrNoMemory})
		}
	}
	for _, tt := range tests {
		held := fill(Alloc(5000), 1)
		_, err := TryAlloc(tt.n)
		checkError(t, fmt.Sprintf("TryAlloc(%d)", tt.n), err, tt.want, tt.n)
		for name, f := range map[string]func(){
			"Alloc":       func() { Alloc(tt.n) },
			"AllocZeroed": func() { AllocZeroed(tt.n) },
			"New":         func() { New(tt.n) },
			"Realloc":     func() { Realloc(held.b, tt.n) },
			"Realloc nil": func() { Realloc(nil, tt.n) },
		} {
			err, _ := panicOf(f).(error)
			checkError(t, fmt.Sprintf("%s(%d)", name, tt.n), err, tt.want, tt.n)
		}
		held.check(t) // as before, and the caller's still
		Free(held.b)
		checkHeapWorks(t, 5000)
	}
}

// checkError checks that err wraps want, and its text.
func checkError(t *testing.T, name string, err, want error, n int) {
	t.Helper()
	if err == nil || !errors.Is(err, want) {
		t.Errorf("%s: error %v, want one that wraps %v", name, err, want)
		return
	}
	if text := fmt.Sprintf("cmem: cannot allocate %d bytes: %v", n, want); !strings.HasPrefix(err.Error(), text) {
		t.Errorf("%s: error %q, want %q", name, err, text)
	}
}

// TestAllocZeroedReuse wants zeroes from memory that held something else a moment ago.
func TestAllocZeroedReuse(t *testing.T) {
	noLeak(t)
	for i, n := range boundarySizes() {
		if n > 1<<20 && i%8 != 1 {
			continue
		}
		for _, prepare := range []func(b []byte){
			func(b []byte) { Free(b) },                   // in a magazine
			func(b []byte) { Free(b); Scavenge() },       // given back
			func(b []byte) { Free(Realloc(b, n/3+1)) },   // its tail was cut off
			func(b []byte) { Free(b); Free(Alloc(n)) },   // reused
			func(b []byte) { Free(Realloc(b, n+n/4+1)) }, // moved
		} {
			b := Alloc(n)
			dirty(b)
			prepare(b)
			z := AllocZeroed(n)
			checkZero(t, z)
			dirty(z)
			Free(z)
		}
	}
}

// dirty fills b with ones.
func dirty(b []byte) {
	b[0] = 0xFF
	for n := 1; n < len(b); n *= 2 {
		copy(b[n:], b[:n])
	}
}

// TestFreeCapacityZero passes slices that hold nothing of the buffer, which is the caller's still.
func TestFreeCapacityZero(t *testing.T) {
	noLeak(t)
	b := Alloc(100)
	Free(b[100:])
	Free(b[:0:0])
	Free(b[50:50:50])
	if n := Usable(b[100:]); n != 0 {
		t.Errorf("Usable of a slice without capacity = %d, want 0", n)
	}
	fill(b, 1).check(t)
	Free(b[:1:1])
}

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

// TestReallocShrinks: less memory is to be had for less, even where there is no more: a large block is cut where it is, and one that
// would have to move stays as it is.
func TestReallocShrinks(t *testing.T) {
	for _, tt := range []struct{ from, to int }{
		{12 << 20, 5 << 20}, {100_000, 40_000}, {300_000, 32 << 10}, {5<<20 - 4096, 300_000}, {20 << 20, 5 << 20}, {60 << 20, 20 << 20},
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

// TestReadStats follows one block of each kind through the figures.
func TestReadStats(t *testing.T) {
	noLeak(t)
	for _, k := range sizesOfKinds {
		t.Run(k.name, func(t *testing.T) {
			checkSums(t)
			b := Alloc(k.n)
			checkSums(t)
			held := statsNow()
			Free(b)
			checkSums(t)
			Scavenge()
			checkSums(t)
			s := statsNow()
			if !offHeap {
				if !raceBuild && (s.HeapIdle != 0 || s.MetadataSys != 0 || s.Scavenges != 0) { // under -race C's are added
					t.Errorf("over Go memory: HeapIdle %d, MetadataSys %d, Scavenges %d", s.HeapIdle, s.MetadataSys, s.Scavenges)
				}
				return
			}
			if s.MagazineBytes != 0 {
				t.Errorf("%d bytes in magazines after Scavenge", s.MagazineBytes)
			}
			if s.HeapReleased != s.HeapIdle {
				t.Errorf("%d bytes are free, but only %d given back after Scavenge", s.HeapIdle, s.HeapReleased)
			}
			if s.MetadataSys == 0 {
				t.Error("MetadataSys is 0")
			}
			if held.HeapInuse < held.LiveBytes {
				t.Errorf("HeapInuse %d is below LiveBytes %d", held.HeapInuse, held.LiveBytes)
			}
		})
	}
}

// TestScavenge gives back what was touched and freed.
func TestScavenge(t *testing.T) {
	noLeak(t)
	Scavenge()
	var blocks [][]byte
	for range 16 {
		b := Alloc(1 << 20)
		dirty(b)
		blocks = append(blocks, b)
	}
	for _, b := range blocks {
		Free(b)
	}
	got := Scavenge()
	if offHeap && got < 16<<20 {
		t.Errorf("Scavenge gave %d bytes back, want %d at least", got, 16<<20)
	}
	if !offHeap && got != 0 {
		t.Errorf("Scavenge over Go memory gave %d bytes back, want 0", got)
	}
	if got := Scavenge(); got != 0 {
		t.Errorf("a second Scavenge gave %d bytes back, want 0", got)
	}
	checkHeapWorks(t, 1<<20)
}

// TestNoGarbage wants steady Alloc and Free of every class to allocate no Go memory.
func TestNoGarbage(t *testing.T) {
	if raceBuild {
		t.Skip("under -race a block is garbage once it is freed, so that the detector sees its uses")
	}
	if toolBuild {
		t.Skip("under -asan slice headers go to the heap")
	}
	noLeak(t)
	for cls, size := range classSize {
		n := int(size)
		if got := testing.AllocsPerRun(20, func() { Free(Alloc(n)) }); got != 0 {
			t.Errorf("class %d, %d bytes: %v allocations for an Alloc and a Free", cls, n, got)
		}
	}
	for name, f := range map[string]func(){
		"TryAlloc": func() {
			b, err := TryAlloc(1000)
			if err != nil {
				panic(err)
			}
			Free(b)
		},
		"AllocZeroed": func() { Free(AllocZeroed(1000)) },
		"Realloc":     func() { Free(Realloc(Alloc(1000), 3000)) },
		"Usable":      func() { b := Alloc(1000); Usable(b); Free(b) },
		"New":         func() { New(1000).Free() },
		"ReadStats":   func() { statsNow() },
	} {
		if got := testing.AllocsPerRun(100, f); got != 0 {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
}

// TestErrorTexts has the parts of errors that no other test looks at.
func TestErrorTexts(t *testing.T) {
	if got, want := (&MisuseError{Func: "Buffer.Bytes", What: "gone"}).Error(), "cmem: Buffer.Bytes: gone"; got != want {
		t.Errorf("a MisuseError without an address: %q, want %q", got, want)
	}
	for _, err := range []error{ErrNoMemory, ErrSize} {
		if strings.HasPrefix(err.Error(), "cmem: ") {
			t.Errorf("%q is said to be cmem's twice where it is wrapped", err)
		}
	}
}
