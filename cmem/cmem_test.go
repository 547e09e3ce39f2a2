package cmem

import (
	"errors"
	"fmt"
	"math"
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
	{"TryAllocZeroed", true, func(n int) []byte {
		b, err := TryAllocZeroed(n)
		if err != nil {
			panic(err)
		}
		return b
	}},
	{"Realloc", false, func(n int) []byte { return Realloc(nil, n) }},
	{"AllocAligned", false, func(n int) []byte { return AllocAligned(n, 16) }},
}

// TestAllocSizes allocates blocks of all sizes at which something changes, in every way, and looks
// at what it gets.
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
				if blocks, bytes := after.LiveBlocks-before.LiveBlocks, after.LiveBytes-before.LiveBytes; blocks != 1 ||
					bytes != uint64(usable) {
					t.Errorf("%d bytes: LiveBlocks grew by %d, LiveBytes by %d, want 1 and %d", n, blocks, bytes, usable)
				}
				if blocks, bytes := after.Mallocs-before.Mallocs, after.TotalAlloc-before.TotalAlloc; blocks != 1 ||
					bytes != uint64(usable) {
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
		_, err = TryAllocZeroed(tt.n)
		checkError(t, fmt.Sprintf("TryAllocZeroed(%d)", tt.n), err, tt.want, tt.n)
		handle := New(5000)
		for name, f := range map[string]func(){
			"Alloc":       func() { Alloc(tt.n) },
			"AllocZeroed": func() { AllocZeroed(tt.n) },
			"New":         func() { New(tt.n) },
			"Resize":      func() { handle.Resize(tt.n) },
			"aligned 64":  func() { AllocAligned(tt.n, 64) },
			"aligned":     func() { AllocAligned(tt.n, maxAlign) },
			"Realloc":     func() { Realloc(held.b, tt.n) },
			"Realloc nil": func() { Realloc(nil, tt.n) },
		} {
			err, _ := panicOf(f).(error)
			checkError(t, fmt.Sprintf("%s(%d)", name, tt.n), err, tt.want, tt.n)
		}
		held.check(t) // as before, and the caller's still
		Free(held.b)
		if handle.Len() != 5000 {
			t.Errorf("a Resize that failed made the buffer %d bytes long", handle.Len())
		}
		handle.Free()
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
			z, err := TryAllocZeroed(n)
			if err != nil {
				t.Fatal(err)
			}
			checkZero(t, z)
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
		"TryAllocZeroed": func() {
			b, err := TryAllocZeroed(1000)
			if err != nil {
				panic(err)
			}
			Free(b)
		},
		"Owns":      func() { b := Alloc(1000); Owns(b); Free(b) },
		"Resize":    func() { b := New(1000); b.Resize(3000); b.Free() },
		"Realloc":   func() { Free(Realloc(Alloc(1000), 3000)) },
		"Usable":    func() { b := Alloc(1000); Usable(b); Free(b) },
		"New":       func() { New(1000).Free() },
		"ReadStats": func() { statsNow() },
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
