package cmem

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"
)

// users are the functions that take a buffer, each with the name that it gives in a MisuseError.
var users = []struct {
	name string
	use  func(b []byte)
}{
	{"Free", Free},
	{"Usable", func(b []byte) { Usable(b) }},
	{"Realloc", func(b []byte) { Realloc(b, 100) }},
	{"Attach", func(b []byte) { Attach(new(handle), b) }},
}

// A handle is something that buffers are attached to; large enough not to share its memory with
// others.
type handle struct {
	name string
	f    filled
}

// eachUser gives b, which starts at no live block and is what `what` says to Free, to all users.
func eachUser(t *testing.T, b []byte, what string) {
	t.Helper()
	for _, u := range users {
		want := MisuseError{u.name, addr(b), what}
		if u.name != "Free" {
			want.What = asUse(what)
		}
		checkMisuse(t, want, func() { u.use(b) })
	}
}

// TestDoubleFree frees small, large and huge blocks twice, at once and when they have left the
// magazine.
func TestDoubleFree(t *testing.T) {
	noLeak(t)
	for _, k := range sizesOfKinds {
		for _, n := range []int{k.n, k.n + 9000} {
			t.Run(fmt.Sprintf("%s/%d", k.name, n), func(t *testing.T) {
				noLeak(t)
				b := Alloc(n)
				size := Usable(b)
				Free(b)
				want := doubleFree(size, k.name == "huge")
				eachUser(t, b, want)
				eachUser(t, b[:0], want)
				checkHeapWorks(t, n)
			})
		}
	}
}

// TestDoubleFreeFlushed is TestDoubleFree for blocks in the central lists. A neighbour keeps a
// small block's span in use.
func TestDoubleFreeFlushed(t *testing.T) {
	noLeak(t)
	t.Run("small", func(t *testing.T) {
		const n = 1000
		var blocks [][]byte
		for range 8 {
			blocks = append(blocks, Alloc(n))
		}
		for i := 0; i < len(blocks); i += 2 {
			Free(blocks[i])
		}
		Scavenge()
		for i := 0; i < len(blocks); i += 2 {
			eachUser(t, blocks[i], texts.double(1024))
			Free(blocks[i+1])
		}
		checkHeapWorks(t, n)
	})
	t.Run("large", func(t *testing.T) {
		const n = 100_000
		b, neighbour := Alloc(n), Alloc(n) // which keeps the region
		Free(b)
		for range 200 { // pushes b out of the magazine
			Free(Alloc(n + 1<<20))
			Free(Alloc(n * 3))
		}
		SetIdleLimit(0)
		Scavenge()
		value := panicOf(func() { Free(b) })
		e, ok := value.(*MisuseError)
		// The block's region may have gone back to malloc, where the neighbour lies in another.
		if !ok || e.Func != "Free" || e.Ptr != addr(b) || e.What != texts.noBlock && e.What != texts.foreign {
			t.Errorf("panic value %v, want a MisuseError of Free(%p): %s", value, b, texts.noBlock)
		}
		Free(neighbour)
		checkHeapWorks(t, n)
	})
}

// TestInterior gives addresses inside blocks, live and free ones.
func TestInterior(t *testing.T) {
	noLeak(t)
	for _, k := range sizesOfKinds {
		t.Run(k.name, func(t *testing.T) {
			noLeak(t)
			f := fill(Alloc(k.n), 5)
			size := Usable(f.b)
			offsets := []int{1, 8, 15, 16, 17, 64, k.n / 2, k.n - 1}
			if k.n > 4096 {
				offsets = append(offsets, 4095, 4096, 4097, 8192, (k.n-1)&^4095)
			}
			for _, off := range offsets {
				eachUser(t, f.b[off:], texts.live(off, size, addr(f.b)))
			}
			f.check(t)
			Free(f.b)
			if k.name == "huge" || toolBuild { // not a block any more
				eachUser(t, f.b[k.n/2:], texts.noBlock)
			} else {
				for _, off := range offsets {
					eachUser(t, f.b[off:], texts.free(off, size, addr(f.b)))
				}
			}
			checkHeapWorks(t, k.n)
		})
	}
}

// refuseOwned gives b, all of a block that a handle or an arena owns, to those who would take it
// away.
func refuseOwned(t *testing.T, b []byte) {
	t.Helper()
	size := Usable(b)
	if size < len(b) {
		t.Errorf("%d usable bytes of %d that are owned", size, len(b))
	}
	for _, u := range users {
		if u.name == "Usable" {
			continue
		}
		for _, b := range [][]byte{b, b[:0]} {
			checkMisuse(t, MisuseError{u.name, addr(b), texts.owned(size)}, func() { u.use(b) })
		}
	}
	checkMisuse(t, MisuseError{"Realloc", addr(b), texts.owned(size)}, func() { Realloc(b, size) })
	checkMisuse(t, MisuseError{"Free", addr(b), texts.owned(size)}, func() { Realloc(b, 0) })
}

// TestOwnedByHandle misuses the buffers of handles: new ones, and those that come and go in the
// fast path.
func TestOwnedByHandle(t *testing.T) {
	noLeak(t)
	for _, n := range []int{1, 1000, 40_000, 100_000, 300_000, maxClassSize, maxClassSize + 1} {
		rounds := 20
		if n > 1<<20 { // the race detector takes its time for these
			rounds = 3
		}
		for range rounds {
			b := New(n)
			f := fill(b.Bytes(), 5)
			refuseOwned(t, f.b)
			f.check(t)
			size := Usable(f.b)
			b.Free()
			checkStale(t, b)
			want := doubleFree(size, n > maxClassSize)
			if value := panicOf(func() { Free(f.b) }); n != 300_000 && (value == nil || value.(*MisuseError).What != want) {
				t.Errorf("Free of a freed handle's buffer: %v, want %q", value, want)
			}
		}
		checkHeapWorks(t, n)
	}
}

// TestOwnedStays: a handle whose buffer somebody tried to free is freed as ever, by Free and by the
// collector.
func TestOwnedStays(t *testing.T) {
	noLeak(t)
	before := statsNow()
	var held []Buffer
	for range 200 {
		b := New(2000)
		refuseOwned(t, b.Bytes())
		held = append(held, b)
	}
	for i := range held[:100] {
		held[i].Free()
	}
	held = nil
	afterGC(t, "lost buffers are freed", func() bool { return statsNow().LiveBlocks == before.LiveBlocks })
	if got := statsNow().NetFrees - before.NetFrees; got != 100 {
		t.Errorf("the nets have freed %d buffers, want 100", got)
	}
}

// doubleFree is what a second free of a block of size bytes is told: without a cache it is straight
// back in the page heap.
func doubleFree(size int, huge bool) string {
	if huge || toolBuild {
		return texts.noBlock
	}
	return texts.double(size)
}

// TestOwnedByArena misuses the buffers of arenas that start where a block does.
func TestOwnedByArena(t *testing.T) {
	noLeak(t)
	a := NewArena()
	for range 3 {
		first := a.Alloc(100)
		size := Usable(first)
		for _, u := range users {
			if u.name != "Usable" {
				checkMisuse(t, MisuseError{u.name, addr(first), texts.owned(size)}, func() { u.use(first) })
			}
		}
		second := a.Alloc(100)
		eachUser(t, second, texts.live(112, size, addr(first)))
		for _, n := range []int{arenaMost, 300_000, maxClassSize + 1} {
			refuseOwned(t, a.Alloc(n))
		}
		for range 3 * arenaFirst / 1000 { // more chunks
			a.Alloc(1000)
		}
		a.Reset()
	}
	stale := a.Alloc(100)
	size := Usable(stale)
	a.Free()
	want := doubleFree(size, false)
	if value := panicOf(func() { Free(stale) }); value == nil || value.(*MisuseError).What != want {
		t.Errorf("Free of a freed arena's buffer: %v, want %q", value, want)
	}
	a.Free()
	checkHeapWorks(t, 1000)
}

// TestOwnedWhileOthersFree has goroutines free the same handles' buffers by the handle and by the
// slice: one owner each.
func TestOwnedWhileOthersFree(t *testing.T) {
	noLeak(t)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	p := newPair()
	var by any
	for start := time.Now(); p.rounds < scaled(20_000) && time.Since(start) < 2*time.Second; {
		b := New(3000)
		bytes := b.Bytes()
		p.together(b.Free, func() { by = panicOf(func() { Free(bytes) }) })
		if by == nil {
			t.Fatal("Free took a handle's buffer")
		}
	}
	p.end()
}

var globalBytes [64]byte

// TestForeign gives addresses that never were in the heap.
func TestForeign(t *testing.T) {
	noLeak(t)
	t.Run("Go heap", func(t *testing.T) {
		for _, n := range []int{1, 64, 4096, 100_000, 20 << 20} {
			eachUser(t, make([]byte, n), texts.foreign)
		}
	})
	t.Run("global variable", func(t *testing.T) { eachUser(t, globalBytes[:], texts.foreign) })
	t.Run("stack", func(t *testing.T) {
		var local [64]byte
		a := uintptr(unsafe.Pointer(&local)) // not a pointer, so that local stays where it is
		value := panicOf(func() { Free(wild(a, len(local))) })
		if e, ok := value.(*MisuseError); !ok || e.What != texts.foreign {
			t.Errorf("panic value %v, want a MisuseError: %s", value, texts.foreign)
		}
		runtime.KeepAlive(&local)
	})
	t.Run("moved by append", func(t *testing.T) {
		f := fill(Alloc(100), 3)
		moved := append(f.b, 1, 2, 3)
		if addr(moved) == addr(f.b) {
			t.Fatal("append found room behind the buffer's capacity")
		}
		eachUser(t, moved, texts.foreign)
		f.check(t)
		Free(f.b)
	})
	t.Run("wild", func(t *testing.T) {
		addresses := []uint64{
			4096, 4097, 1 << 16, 1<<30 - 16, 1 << 30, 1 << 40, 1<<46 + 16,
			1<<47 - 16, 1 << 47, // the end of user addresses
			1<<48 - 16, 1 << 48, 1<<48 + 4096, // the end of the pagemap
			0x0123_4567_89AB_CDE0, 1 << 62, // not canonical
			// the kernel's
			0xFFFF_7FFF_FFFF_F000, 0xFFFF_8000_0000_0000, 0xFFFF_FFFF_8100_0000, 0xFFFF_FFFF_FFFF_FFF0, 1<<64 - 1,
		}
		rng := rand.New(rand.NewPCG(1, 2))
		for range 100 {
			addresses = append(addresses, 1<<49|rng.Uint64())
		}
		for _, a := range addresses {
			if a := uintptr(a); uint64(a) >= 4096 { // 32 bits are left of it elsewhere
				eachUser(t, wild(a, 1), texts.foreign)
			}
		}
	})
	checkHeapWorks(t, 64)
}

// TestMisuseWhileOthersWork misuses the heap while goroutines use it.
func TestMisuseWhileOthersWork(t *testing.T) {
	noLeak(t)
	var stop atomic.Bool
	var workers sync.WaitGroup
	for w := range 3 {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for i := 0; !stop.Load(); i++ {
				f := fill(Alloc(100+i%2000), uint64(w+1))
				runtime.Gosched()
				if err := f.err(); err != nil {
					t.Error(err)
				}
				Free(f.b)
			}
		}()
	}
	foreign := make([]byte, 100)
	f := fill(Alloc(5000), 9)
	for range scaled(2000) {
		for _, b := range [][]byte{foreign, f.b[1:], f.b[160:], f.b[4096:]} {
			for _, u := range users {
				var e *MisuseError
				if err, _ := panicOf(func() { u.use(b) }).(error); !errors.As(err, &e) || e.Func != u.name || e.Ptr != addr(b) {
					t.Fatalf("%s(%p): %v, want a MisuseError", u.name, b, err)
				}
			}
		}
	}
	stop.Store(true)
	workers.Wait()
	f.check(t)
	Free(f.b)
}

func init() { children["double-free"] = concurrentDoubleFree }

// TestConcurrentDoubleFree lets two goroutines free one block at the same time, in a process of its
// own: that Free may not see it is documented, and that the block is found out when it comes
// around. Outside a magazine that ends the process.
func TestConcurrentDoubleFree(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=double-free")
	out, err := cmd.CombinedOutput()
	text := string(out)
	first, _, _ := strings.Cut(text, "\n")
	t.Log(first)
	ended := strings.HasSuffix(first, "no block had two owners") && err == nil
	aborted := offHeap && strings.HasPrefix(first,
		"cmem: heap corruption: a block came back that is not out (freed twice at the same time?)")
	if !ended && !aborted {
		t.Errorf("the child ended with %v:\n%s", err, text)
	}
}

// concurrentDoubleFree frees blocks twice at the same time. Where neither Free was refused the
// block is in the magazines of both Ps, on top: then one goroutine after the other allocates it,
// and the second must be told.
func concurrentDoubleFree() {
	runtime.GOMAXPROCS(2)
	debug.SetGCPercent(-1) // both goroutines spin, so each keeps its P
	rounds := scaled(20_000)
	if !offHeap {
		rounds = 200 // a lock decides, so Free never misses
	}
	var b []byte
	var me, other side
	unseen, found := 0, 0
	p := newPair()
	for start := time.Now(); p.rounds < 2*rounds && time.Since(start) < 2*time.Second; {
		b = Alloc(3000)
		p.together(func() { me.free(b) }, func() { other.free(b) })
		if me.refused && other.refused || !offHeap && !me.refused && !other.refused {
			fmt.Println("goroutines refused:", me.refused, other.refused)
			os.Exit(3)
		}
		me.alloc(len(b))
		p.together(func() {}, func() { other.alloc(len(b)) })
		if me.got != nil && other.got != nil && addr(me.got) == addr(other.got) {
			fmt.Printf("a block had two owners: %p\n", me.got)
			os.Exit(3)
		}
		if !me.refused && !other.refused {
			unseen++
			if me.got == nil || other.got == nil {
				found++
			}
		}
		Free(me.got)
		Free(other.got)
	}
	p.end()
	fmt.Printf("of %d double frees Free missed %d; Alloc found %d; no block had two owners\n", p.rounds/2, unseen, found)
}

// A side is one of the two goroutines.
type side struct {
	refused bool   // Free panicked
	got     []byte // what Alloc gave, nil where it panicked
}

func (s *side) free(b []byte) { s.refused = panicOf(func() { Free(b) }) != nil }

func (s *side) alloc(n int) {
	s.got = nil
	if value := panicOf(func() { s.got = Alloc(n) }); value != nil {
		if e, ok := value.(*MisuseError); !ok ||
			!strings.HasPrefix(e.What, "double free: the block was freed twice at the same time") {
			panic(value)
		}
	}
}
