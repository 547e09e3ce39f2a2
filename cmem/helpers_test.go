package cmem

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"
)

// TestMain keeps the background scavenger off, so that figures stay what the tests make them; those
// that are about it switch it on. As a child process, which childEnv names, it runs one function
// that may end the process.
func TestMain(m *testing.M) {
	idleAtStart = SetIdleLimit(0)
	if name := os.Getenv(childEnv); name != "" {
		children[name]()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var idleAtStart time.Duration

const childEnv = "CMEM_TEST_CHILD"

// children are the functions that a test runs in a process of their own.
var children = map[string]func(){}

// scaled is n where the build is fast, a tenth where it is instrumented.
func scaled(n int) int {
	if slowBuild {
		return max(n/10, 1)
	}
	return n
}

// newRand makes the generator of a test and prints its seed, which CMEM_SEED sets.
func newRand(t *testing.T) (*rand.Rand, uint64) {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("CMEM_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("CMEM_SEED=%q is no number: %v", s, err)
		}
	}
	t.Logf("CMEM_SEED=%d repeats this run", seed)
	return rand.New(rand.NewPCG(seed, 0)), seed
}

func statsNow() (s Stats) {
	ReadStats(&s)
	return s
}

// noLeak makes the test fail if it ends with another number of live blocks and bytes than it has
// begun with.
func noLeak(t *testing.T) {
	t.Helper()
	before := statsNow()
	t.Cleanup(func() {
		after := statsNow()
		if blocks, bytes := int64(after.LiveBlocks-before.LiveBlocks), int64(after.LiveBytes-before.LiveBytes); blocks != 0 ||
			bytes != 0 {
			t.Errorf("the test leaves %+d live blocks, %+d bytes", blocks, bytes)
		}
		checkSums(t)
		checkCaches(t)
	})
}

// checkSums checks what Stats promises of its sums, at rest.
func checkSums(t *testing.T) {
	t.Helper()
	s := statsNow()
	if s.HeapSys != s.HeapInuse+s.HeapIdle {
		t.Errorf("HeapSys %d is not HeapInuse %d + HeapIdle %d", s.HeapSys, s.HeapInuse, s.HeapIdle)
	}
	if sum := s.LiveBytes + s.MagazineBytes + s.ThreadCacheBytes + s.CentralFreeBytes; s.HeapInuse != sum {
		t.Errorf("HeapInuse %d is not LiveBytes %d + MagazineBytes %d + ThreadCacheBytes %d + CentralFreeBytes %d",
			s.HeapInuse, s.LiveBytes, s.MagazineBytes, s.ThreadCacheBytes, s.CentralFreeBytes)
	}
	if s.Mallocs-s.Frees != s.LiveBlocks {
		t.Errorf("Mallocs %d - Frees %d is not LiveBlocks %d", s.Mallocs, s.Frees, s.LiveBlocks)
	}
	mallocs, live := s.HugeMallocs, s.HugeBytes
	for _, c := range s.BySize {
		mallocs += c.Mallocs
		live += (c.Mallocs - c.Frees) * uint64(c.Size)
	}
	if mallocs != s.Mallocs || live != s.LiveBytes {
		t.Errorf("Mallocs %d, LiveBytes %d, but by size %d and %d", s.Mallocs, s.LiveBytes, mallocs, live)
	}
	if s.HeapReleased > s.HeapIdle {
		t.Errorf("HeapReleased %d is more than HeapIdle %d", s.HeapReleased, s.HeapIdle)
	}
}

// afterGC runs the collector until cond holds, which cleanups bring about some time after a cycle,
// or a goroutine of the package.
func afterGC(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		runtime.GC()
		if cond() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not after 20 s of collections: %s", what)
		}
	}
}

// panicOf returns what f panics with, nil where it does not.
func panicOf(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}

// misuseTexts are what a heap says, in MisuseError.What, of a pointer.
type misuseTexts struct {
	double  func(size int) string                     // a block that is free, its span in use
	noBlock string                                    // a block whose span is free
	foreign string                                    // an address outside the heap
	live    func(off, size int, start uintptr) string // off bytes into a live block
	free    func(off, size int, start uintptr) string // off bytes into a free block
	owned   func(size int) string                     // a block of a handle or an arena
}

// ownedText is texts.owned.
func ownedText(size int) string {
	return fmt.Sprintf("owned block: its %d bytes belong to a Go handle (cmem.Buffer) or arena (cmem.Arena), whose "+
		"Free frees them", size)
}

// asUse is what the text of a double free becomes for those who would use the block.
func asUse(text string) string {
	return strings.NewReplacer("double free", "use after free", "is free already", "is free").Replace(text)
}

func interiorOfLive(off, size int, start uintptr) string {
	return fmt.Sprintf("not the start of a block: %d bytes into the live block of %d bytes at %#x", off, size, start)
}

// checkMisuse runs f, which must panic with exactly this MisuseError and leave the heap as it was.
func checkMisuse(t *testing.T, want MisuseError, f func()) {
	t.Helper()
	before := statsNow()
	value := panicOf(f)
	after := statsNow()
	got, ok := value.(*MisuseError)
	if !ok {
		t.Errorf("panic value %v (%T), want a *MisuseError: %v", value, value, &want)
		return
	}
	if *got != want {
		t.Errorf("panic %q, want %q", got, &want)
	}
	if text := fmt.Sprintf("cmem: %s(%#x): %s", want.Func, want.Ptr, want.What); want.Ptr != 0 && got.Error() != text {
		t.Errorf("message %q, want %q", got.Error(), text)
	}
	if before != after {
		t.Errorf("%v: the figures have changed:\n%+v\n%+v", got, before, after)
	}
}

// checkHeapWorks allocates blocks of and about n bytes, fills and checks them, and frees them.
func checkHeapWorks(t *testing.T, n int) {
	t.Helper()
	var blocks []filled
	for i := range 8 {
		blocks = append(blocks, fill(Alloc(n+i*16), uint64(i+1)))
	}
	for _, b := range blocks {
		b.check(t)
		Free(b.b)
	}
}

// filled is a buffer with a pattern in it that no other buffer has.
type filled struct {
	b    []byte
	seed uint64
}

// fill writes the pattern of seed into b: the same 8 bytes over and over.
func fill(b []byte, seed uint64) filled {
	var word [8]byte
	binary.LittleEndian.PutUint64(word[:], seed*0x9E3779B97F4A7C15)
	for n := copy(b, word[:]); n > 0 && n < len(b); n *= 2 {
		copy(b[n:], b[:n])
	}
	return filled{b, seed}
}

// err tells where the pattern is broken.
func (f filled) err() error {
	var word [8]byte
	binary.LittleEndian.PutUint64(word[:], f.seed*0x9E3779B97F4A7C15)
	head := min(8, len(f.b))
	if bytes.Equal(f.b[:head], word[:head]) && bytes.Equal(f.b[head:], f.b[:len(f.b)-head]) {
		return nil
	}
	for i, got := range f.b {
		if want := word[i%8]; got != want {
			return fmt.Errorf("byte %d of %d at %p is %#x, want %#x: somebody else wrote there", i, len(f.b), f.b, got, want)
		}
	}
	return errors.New("the pattern is broken and whole again: somebody else is writing there")
}

func (f filled) check(t *testing.T) {
	t.Helper()
	if err := f.err(); err != nil {
		t.Error(err)
	}
}

// addr is the address of b's first byte.
func addr(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }

// pointer makes an address into a pointer, past the compiler's and the runtime's checks of such.
func pointer(a uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&a)) }

// wild is a slice of n bytes at address a.
func wild(a uintptr, n int) []byte { return slice(pointer(a), n) }

// boundarySizes are the block sizes of all classes and the sizes next to them, and some huge ones.
// In slow builds only some of the large classes are among them.
func boundarySizes() []int {
	sizes := []int{1, 2, 3, 4, 7, 8, 9}
	for cls, size := range classSize {
		if slowBuild && size > 256<<10 && cls != numClasses-1 && cls%9 != 0 {
			continue
		}
		sizes = append(sizes, int(size)-1, int(size), int(size)+1)
	}
	return append(sizes, maxClassSize+4096, maxClassSize+4097, 20<<20+1)
}

// usableBound is the most that a block for n bytes may hold.
func usableBound(n int) int {
	switch {
	case n <= 128:
		return (n + 15) &^ 15
	case n <= maxClassSize:
		return n + n/8
	}
	return n + 4095
}

// sizesOfKinds has a size of each kind of block: small, large, huge.
var sizesOfKinds = []struct {
	name string
	n    int
}{
	{"small", 1000}, {"large", 100_000}, {"huge", maxClassSize + 1},
}

// freeAndReuse has free free a block of n bytes, and returns a new block at its address.
func freeAndReuse(t *testing.T, n int, free func(b []byte)) []byte {
	t.Helper()
	for range 20 {
		// Neighbours keep the hole the size it is.
		var neighbours [][]byte
		for range 5 {
			neighbours = append(neighbours, Alloc(n))
		}
		b := neighbours[2]
		neighbours[2] = nil
		a := addr(b)
		free(b)
		b = blockAt(a, n)
		for _, neighbour := range neighbours {
			Free(neighbour)
		}
		if b != nil {
			return b
		}
	}
	if offHeap {
		t.Errorf("no address of %d bytes was reused", n)
	}
	return Alloc(n) // Go memory is reused as the collector likes
}

// blockAt allocates blocks of n bytes until one lies at address a, and frees the others. Nil where
// none comes to lie there.
func blockAt(a uintptr, n int) (b []byte) {
	var others [][]byte
	for len(others) < max(200, 4<<20/n) && b == nil { // all that other blocks' frees have left
		if got := Alloc(n); addr(got) == a {
			b = got
		} else {
			others = append(others, got)
		}
	}
	for _, other := range others {
		Free(other)
	}
	return b
}

// A pair is the calling goroutine and another one that do something at the very same time: both
// spin until both are there, and the caller's delay differs from round to round so that all
// alignments of the two come about. On a busy machine a round may take a time slice.
type pair struct {
	rounds     int
	step, done atomic.Int64
	f          func()
}

func newPair() *pair {
	p := new(pair)
	go func() {
		for n := int64(1); ; n++ {
			for p.step.Load() < n {
			}
			if p.f == nil {
				return
			}
			p.f()
			p.done.Store(n)
		}
	}()
	return p
}

// together runs mine here and other there.
func (p *pair) together(mine, other func()) {
	p.f = other
	p.rounds++
	n := p.step.Add(1)
	for range n / 2 % 256 { // the other is on its way: somewhere here they meet
		p.step.Load()
	}
	mine()
	for p.done.Load() < n {
	}
}

func (p *pair) end() {
	p.f = nil
	p.step.Add(1)
}
