package cmem

import (
	"errors"
	"math"
	"strings"
	"testing"
	"unsafe"
)

type pointerFreeRecord struct {
	ID    uint64
	At    [3]float32
	Flags struct{ A, B bool }
	none  [0]*int
}

func TestAllocSlice(t *testing.T) {
	testAllocSlice[byte](t)
	testAllocSlice[float32](t)
	testAllocSlice[complex128](t)
	testAllocSlice[uintptr](t)
	testAllocSlice[[3]byte](t)
	testAllocSlice[pointerFreeRecord](t)
	testAllocSlice[[100_000]uint16](t)
}

func testAllocSlice[T any](t *testing.T) {
	var zero T
	size := int(unsafe.Sizeof(zero))
	for _, n := range []int{1, 2, 7, 1000, 70_000, 5_000_000/size + 1} {
		if size*n > 64<<20 {
			continue
		}
		for range 2 { // the second one gets what the first has left
			s := AllocSlice[T](n)
			if len(s) != n || cap(s) != n {
				t.Fatalf("%T: len %d, cap %d, expected %d", zero, len(s), cap(s), n)
			}
			if p := uintptr(unsafe.Pointer(&s[0])); p%unsafe.Alignof(zero) != 0 {
				t.Errorf("%T: %#x is not aligned to %d", zero, p, unsafe.Alignof(zero))
			}
			b := unsafe.Slice((*byte)(unsafe.Pointer(&s[0])), size*n)
			if have := Usable(b); have < size*n {
				t.Errorf("%d of %T: a block of %d bytes", n, zero, have)
			}
			for i := range b {
				if b[i] != 0 {
					t.Fatalf("%d of %T: byte %d is %d", n, zero, i, b[i])
				}
				b[i] = 0xA5
			}
			FreeSlice(s[:0])
		}
	}
}

func TestAllocSliceOfNothing(t *testing.T) {
	var before, after Stats
	ReadStats(&before)
	if s := AllocSlice[int64](0); s == nil || len(s) != 0 {
		t.Errorf("no elements: %v", s)
	} else {
		FreeSlice(s)
	}
	s := AllocSlice[struct{}](math.MaxInt)
	if len(s) != math.MaxInt {
		t.Errorf("elements without size: %d", len(s))
	}
	FreeSlice(s)
	FreeSlice(AllocSlice[[0]*int](5))
	FreeSlice[int64](nil)
	ReadStats(&after)
	if before.Mallocs != after.Mallocs {
		t.Errorf("%d blocks were allocated", after.Mallocs-before.Mallocs)
	}
}

type (
	innerRecord struct {
		N    int
		Name string
	}
	outerRecord struct {
		A, B float64
		In   [2][4]struct{ Inner innerRecord }
		Ptr  *int
	}
	unexported struct {
		n int
		m map[int]int
	}
	pointerTo[T any] struct{ P *T }
)

func TestAllocSliceRefusesGoPointers(t *testing.T) {
	for _, c := range []struct {
		alloc func(int)
		want  string
	}{
		{refused[*int], "*int may hold a Go pointer (*int)"},
		{refused[string], "string may hold a Go pointer (string)"},
		{refused[any], "interface {} may hold a Go pointer (interface {})"},
		{refused[unsafe.Pointer], "unsafe.Pointer may hold a Go pointer (unsafe.Pointer)"},
		{refused[func()], "func() may hold a Go pointer (func())"},
		{refused[chan int], "chan int may hold a Go pointer (chan int)"},
		{refused[[2][]byte], "[2][]uint8[0] may hold a Go pointer ([]uint8)"},
		{refused[outerRecord], "cmem.outerRecord.In[0][0].Inner.Name may hold a Go pointer (string)"},
		{refused[unexported], "cmem.unexported.m may hold a Go pointer (map[int]int)"},
		{refused[pointerTo[int]], "cmem.pointerTo[int].P may hold a Go pointer (*int)"},
	} {
		for _, n := range []int{1, 0, -1, 1} { // whatever the number, and each time
			err := panicked(func() { c.alloc(n) })
			var misuse *MisuseError
			if !errors.As(err, &misuse) || misuse.Func != "AllocSlice" ||
				err.Error() != "cmem: AllocSlice: "+c.want+": the collector does not look into buffers" {
				t.Errorf("n = %d: %v, expected %s", n, err, c.want)
			}
		}
	}
}

func refused[T any](n int) { AllocSlice[T](n) }

// panicked is the error that f panics with.
func panicked(f func()) (err error) {
	defer func() { err, _ = recover().(error) }()
	f()
	return nil
}

func TestAllocSliceSizes(t *testing.T) {
	for _, n := range []int{-1, math.MinInt} {
		if err := panicked(func() { AllocSlice[float32](n) }); !errors.Is(err, ErrSize) ||
			!strings.Contains(err.Error(), "of float32") {
			t.Errorf("n = %d: %v", n, err)
		}
		if err := panicked(func() { AllocSlice[struct{}](n) }); !errors.Is(err, ErrSize) {
			t.Errorf("n = %d without size: %v", n, err)
		}
	}
	const word = math.MaxUint/8 + 1 // so many of 8 bytes are 2^64, or 2^32
	for _, n := range []int{math.MaxInt, math.MaxInt/8 + 1, word / 2, word, word + 1, math.MaxInt/8 - 1} {
		if err := panicked(func() { AllocSlice[int64](n) }); !errors.Is(err, ErrNoMemory) {
			t.Errorf("n = %d: %v", n, err)
		}
	}
}

func TestFreeSliceMisuse(t *testing.T) {
	s := AllocSlice[int64](4)
	for what, f := range map[string]func(){
		"from the middle": func() { FreeSlice(s[1:]) },
		"Go memory":       func() { FreeSlice(make([]int64, 4)) },
	} {
		var misuse *MisuseError
		if err := panicked(f); !errors.As(err, &misuse) {
			t.Errorf("%s: %v", what, err)
		}
	}
	FreeSlice(s)
	var misuse *MisuseError
	if err := panicked(func() { FreeSlice(s) }); !errors.As(err, &misuse) {
		t.Errorf("a second time: %v", err)
	}
}

func BenchmarkAllocSlice(b *testing.B) {
	b.Run("float32", func(b *testing.B) {
		for b.Loop() {
			FreeSlice(AllocSlice[float32](256))
		}
	})
	b.Run("struct", func(b *testing.B) {
		for b.Loop() {
			FreeSlice(AllocSlice[pointerFreeRecord](32))
		}
	})
	b.Run("AllocZeroed", func(b *testing.B) {
		for b.Loop() {
			Free(AllocZeroed(1024))
		}
	})
}
