//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"testing"
	"unsafe"

	"github.com/gocmem/cmem/c"
	"github.com/gocmem/cmem/cmem/internal/ctest"
)

// TestLayout compares what Go takes libcmem's structures to look like with what the C compiler makes of them.
func TestLayout(t *testing.T) {
	layout := ctest.Layout()
	check := func(name string, got uint64) {
		t.Helper()
		want, ok := layout[name]
		if !ok {
			t.Errorf("%s is not in the C compiler's list", name)
		} else if got != want {
			t.Errorf("%s is %d in Go, %d in C", name, got, want)
		}
		delete(layout, name)
	}
	for _, typ := range []reflect.Type{
		reflect.TypeFor[c.Entry](),
		reflect.TypeFor[c.Magazine](),
		reflect.TypeFor[c.Cache](),
		reflect.TypeFor[c.Transfer](),
		reflect.TypeFor[c.Leaf](),
		reflect.TypeFor[c.Span](),
		reflect.TypeFor[c.Stats](),
	} {
		for i := range typ.NumField() {
			f := typ.Field(i)
			if f.Name == "_" {
				continue
			}
			check(typ.Name()+"."+f.Name, uint64(f.Offset))
		}
		if typ != reflect.TypeFor[c.Span]() { // of which Go has the head only
			check(typ.Name(), uint64(typ.Size()))
		}
	}
	for name, value := range map[string]uint64{
		"NumClasses":   c.NumClasses,
		"NumSmall":     c.NumSmall,
		"MaxClassSize": c.MaxClassSize,
		"LargeMin":     c.LargeMin,
		"ExactMin":     c.ExactMin,
		"ExactSpare":   c.ExactSpare,
		"CacheLimitP":  c.CacheLimitP,
		"PageShift":    c.PageShift,
		"LeafShift":    c.LeafShift,
		"LeafPages":    c.LeafPages,
		"RootLen":      c.RootLen,
		"TagNone":      c.TagNone,
		"TagOwned":     c.TagOwned,
		"TagAttached":  c.TagAttached,
		"TagHuge":      c.TagHuge,
		"TagSmall":     c.TagSmall,
		"TagCached":    c.TagCached,
		"SpanTags":     c.SpanTags,

		"TransferFirst":  c.TransferFirst,
		"TransferBlocks": c.TransferBlocks,
	} {
		check(name, value)
	}
	for name := range layout {
		t.Errorf("Go does not know of %s", name)
	}
}

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

// TestNoCgoCall wants Alloc and Free that a magazine serves to stay in Go.
func TestNoCgoCall(t *testing.T) {
	needCaches(t)
	noLeak(t)
	const pairs = 10_000
	for _, size := range classSize {
		n := int(size)
		calls := int64(-1)
		// The goroutine may move to a P that has no such magazine yet, each time once: not ten times in a row.
		for try := 0; calls != 0 && try < 10; try++ {
			Free(Alloc(n))
			before := runtime.NumCgoCall()
			for range pairs {
				Free(Alloc(n))
			}
			calls = runtime.NumCgoCall() - before
		}
		if calls != 0 {
			t.Errorf("%d bytes: %d cgo calls for %d Allocs and Frees", n, calls, pairs)
		}
	}
}

// TestExact: a block of 256 KiB or more of which its class has pages to spare is no longer than it needs, unless the class is in
// demand and has little to spare.
func TestExact(t *testing.T) {
	needCaches(t)
	noLeak(t)
	usable := func(n int) int {
		b := Alloc(n)
		defer Free(b)
		return Usable(b)
	}
	const class = 5 << 20
	little, much := class-c.ExactSpare, class-c.ExactSpare-4096
	Scavenge()
	for range 5 {
		if got := usable(much); got != much {
			t.Fatalf("a block for %d bytes has %d", much, got)
		}
	}
	for try := 0; try < 10; try++ { // the goroutine may move to another P now and then
		if got := usable(little); got == class {
			return
		} else if got != little {
			t.Fatalf("a block for %d bytes has %d, want as many or %d", little, got, class)
		}
	}
	t.Errorf("a block for %d bytes is never one of the class, of %d", little, class)
}

// TestExactScripts runs scripts of requests, each freed before the next, on a P whose cache has had none before, and on a new C thread:
// both are to answer alike, by the rule of EXACT_MIN and EXACT_SPARE (internal.h).
func TestExactScripts(t *testing.T) {
	pid := onOneP(t)
	const (
		K, page = 1 << 10, 4 << 10
		five    = 5 << 20      // a class
		most    = five - 128*K // with as much to spare as a block of a class may have
		beyond  = most - page  // with more: exact, however often
		n300    = 300 * K      // of the class of 320 KiB
		n500    = 500 * K      // of 512 KiB
	)
	for _, tt := range []struct {
		name        string
		ask, usable []int
	}{
		{"first of its class", []int{n300}, []int{n300}},
		{"again", []int{n300, n300, n300}, []int{n300, 320 * K, 320 * K}},
		{"another size of the class", []int{n300, 290 * K}, []int{n300, 320 * K}},
		{"too much to spare", []int{beyond, beyond, beyond, beyond}, []int{beyond, beyond, beyond, beyond}},
		{"a class that was asked for by requests with too much to spare", []int{beyond, beyond, beyond, most}, []int{beyond, beyond, beyond, five}},
		{"as much to spare as may be", []int{most, most}, []int{most, five}},
		{"the cache has one", []int{most, most, beyond}, []int{most, five, five}},
		{"a class that was asked for by a request that fills it", []int{320 * K, 512 * K, n300}, []int{320 * K, 512 * K, 320 * K}},
		{"two in turn", []int{n300, n500, n300, n500}, []int{n300, n500, 320 * K, 512 * K}},
		{"three in turn", []int{n300, n500, 700 * K, n300, n500, 700 * K}, []int{n300, n500, 700 * K, n300, n500, 700 * K}},
		{"three in turn, of which one fills its class", []int{n300, n500, 1 << 20, n300}, []int{n300, n500, 1 << 20, n300}},
		{"below the least", []int{240*K + 1, 250 * K, 256 * K}, []int{256 * K, 256 * K, 256 * K}},
	} {
		Scavenge()
		Free(Alloc(1))
		caches[pid].Recent = 0
		var inGo []int
		for _, n := range tt.ask {
			b := Alloc(n)
			inGo = append(inGo, Usable(b))
			Free(b)
		}
		inC := ctest.ChurnOnThread(tt.ask)
		if !slices.Equal(inGo, tt.usable) || !slices.Equal(inC, tt.usable) {
			t.Errorf("%s: blocks for %d hold\n%d in Go,\n%d in C, want\n%d", tt.name, tt.ask, inGo, inC, tt.usable)
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

// TestMagazineLimit frees many blocks at once: what a P keeps is bounded.
func TestMagazineLimit(t *testing.T) {
	noLeak(t)
	for _, n := range []int{16, 1000, 20_000, 100_000, 1 << 20, 16 << 20} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			Scavenge()
			var blocks [][]byte
			for range 300 {
				blocks = append(blocks, Alloc(n))
			}
			for _, b := range blocks {
				Free(b)
			}
			s := statsNow()
			limit := uint64(runtime.GOMAXPROCS(0))*uint64(1<<20+n) + uint64(extraTotal.Load())
			if s.MagazineBytes > limit {
				t.Errorf("%d bytes in magazines, want %d at most", s.MagazineBytes, limit)
			}
			checkSums(t)
		})
	}
}

// TestManyProcs runs on more Ps than most machines have.
func TestManyProcs(t *testing.T) {
	noLeak(t)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, procs := range []int{maxProcs + 8, 1, 64} {
		runtime.GOMAXPROCS(procs)
		done := make(chan error)
		const n = 200
		for i := range n {
			go func() {
				f := fill(Alloc(500+i), uint64(i+1))
				runtime.Gosched()
				err := f.err()
				Free(f.b)
				done <- err
			}()
		}
		for range n {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}
}

// twoLeaves returns two blocks of n bytes in different leaves of the pagemap, as a heap has that is larger than one, or lies
// across two.
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
		size := Usable(x[0])
		for range 3 {
			Free(x[0])
			Free(x[1])
			for _, b := range x {
				checkMisuse(t, MisuseError{"Free", addr(b), texts.double(size)}, func() { Free(b) })
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
