//go:build cgo && linux && (amd64 || arm64 || riscv64)

package cmem

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/gocmem/cmem/cmem/internal/ctest"
)

// needSharedHeap skips tests that free in C what Go has allocated.
func needSharedHeap(t *testing.T) {
	t.Helper()
	if raceBuild {
		t.Skip("under -race what Alloc returns is Go memory, which C can't free")
	}
}

// needCaches skips the test where no P and no thread has a cache.
func needCaches(t *testing.T) {
	t.Helper()
	if toolBuild {
		t.Skip("without caches, as a tool watches the memory")
	}
}

// TestAllocInCFreeInGo is the direction that works in every build.
func TestAllocInCFreeInGo(t *testing.T) {
	noLeak(t)
	for i, n := range boundarySizes() {
		before := statsNow()
		b := ctest.Alloc(n)
		if got, want := Usable(b), ctest.Usable(b); got != want {
			t.Errorf("%d bytes of C: %d usable in Go, %d in C", n, got, want)
		}
		if n < 1<<20 || i%8 == 0 {
			fill(b, uint64(i+1)).check(t)
		}
		if got := statsNow(); got.LiveBlocks != before.LiveBlocks+1 || got.Mallocs != before.Mallocs+1 {
			t.Errorf("%d bytes of C: LiveBlocks %d, Mallocs %d, before %d and %d", n, got.LiveBlocks, got.Mallocs,
				before.LiveBlocks, before.Mallocs)
		}
		Free(b)
		if got := statsNow(); got.LiveBlocks != before.LiveBlocks || got.Frees != before.Frees+1 {
			t.Errorf("%d bytes of C: not freed by Go", n)
		}
	}
}

// TestReallocOfC resizes blocks of C in Go.
func TestReallocOfC(t *testing.T) {
	noLeak(t)
	for _, k := range sizesOfKinds {
		f := fill(ctest.Alloc(k.n), 3)
		b := Realloc(f.b, 2*k.n)
		filled{b[:k.n], 3}.check(t)
		Free(Realloc(b, k.n/3))
	}
}

// TestAllocInGoFreeInC hands blocks to C.
func TestAllocInGoFreeInC(t *testing.T) {
	needSharedHeap(t)
	noLeak(t)
	for i, n := range boundarySizes() {
		before := statsNow()
		b := Alloc(n)
		if got, want := ctest.Usable(b), Usable(b); got != want {
			t.Errorf("%d bytes of Go: %d usable in C, %d in Go", n, got, want)
		}
		if n < 1<<20 || i%8 == 0 {
			fill(b, uint64(i+1)).check(t)
		}
		ctest.Free(b)
		if got := statsNow(); got.LiveBlocks != before.LiveBlocks || got.Frees != before.Frees+1 {
			t.Errorf("%d bytes of Go: not freed by C", n)
		}
		if e, ok := panicOf(func() { Free(b) }).(*MisuseError); !ok || e.Func != "Free" {
			t.Errorf("%d bytes that C has freed: Free does not refuse them: %v", n, e)
		}
	}
}

// TestMisuseOfC gives C's memory to Go.
func TestMisuseOfC(t *testing.T) {
	noLeak(t)
	raw := ctest.Malloc(10_000)
	eachUser(t, raw, texts.foreign)
	eachUser(t, raw[4096:], texts.foreign)
	fill(raw, 1).check(t)
	ctest.MallocFree(raw)

	for _, k := range sizesOfKinds {
		f := fill(ctest.Alloc(k.n), 5)
		eachUser(t, f.b[16:], texts.live(16, ctest.Usable(f.b), addr(f.b)))
		f.check(t)
		Free(f.b)
	}
	checkHeapWorks(t, 1000)
}

func init() {
	for name, misuse := range freeOwnedInC {
		children["owned in C: "+name] = func() {
			b := New(1000)
			misuse(b.Bytes())
			b.Free()
		}
	}
}

var freeOwnedInC = map[string]func(b []byte){
	"cmem_free":       ctest.Free,
	"cmem_realloc":    func(b []byte) { ctest.Realloc(b, 500) },
	"cmem_free_batch": ctest.FreeBatch,
}

// TestOwnedInC gives the buffers of handles to C, in processes that must end by that.
func TestOwnedInC(t *testing.T) {
	needSharedHeap(t)
	for name := range freeOwnedInC {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"=owned in C: "+name)
		out, err := cmd.CombinedOutput()
		first, _, _ := strings.Cut(string(out), "\n")
		var at uintptr
		_, scan := fmt.Sscanf(first, "cmem: "+name+"(%v):", &at)
		if want := fmt.Sprintf("cmem: %s(%#x): %s", name, at, texts.owned(1024)); err == nil || scan != nil || first != want {
			t.Errorf("%s of a handle's buffer: %v, %q, want %q", name, err, first, want)
		}
	}
}

// TestThreads frees blocks of Go on C threads, and those of C threads in Go, several at once.
func TestThreads(t *testing.T) {
	needSharedHeap(t)
	noLeak(t)
	var all sync.WaitGroup
	for w := range 4 {
		all.Add(1)
		go func() {
			defer all.Done()
			for round := range scaled(20) {
				var sizes []int
				for i := range 64 {
					sizes = append(sizes, 1+(i*i*i*37+round)%60_000)
				}
				sizes = append(sizes, 300_000, maxClassSize+1)
				var held []filled
				for i, b := range ctest.AllocOnThread(sizes) {
					held = append(held, fill(b, uint64(w<<20|i+1)))
				}
				var mine [][]byte
				for i, n := range sizes {
					f := fill(Alloc(n), uint64(w<<20|1<<10|i))
					held = append(held, f)
					mine = append(mine, f.b)
				}
				for _, f := range held {
					if err := f.err(); err != nil {
						t.Error(err)
					}
				}
				ctest.FreeOnThread(mine)
				for _, f := range held[:len(sizes)] {
					Free(f.b)
				}
			}
		}()
	}
	all.Wait()
}

// TestThreadCache counts what C threads keep.
func TestThreadCache(t *testing.T) {
	needCaches(t)
	noLeak(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	b := ctest.Alloc(100_000)
	Scavenge() // empties the thread's cache too
	before := statsNow().ThreadCacheBytes
	ctest.Free(b)
	if got := statsNow().ThreadCacheBytes; got <= before {
		t.Errorf("ThreadCacheBytes was %d before C freed a block, and %d after", before, got)
	}
	checkSums(t)
	blocks := ctest.AllocOnThread([]int{1000})
	live := statsNow()
	ctest.FreeOnThread(blocks)
	if got := statsNow(); got.ThreadCacheBytes > live.ThreadCacheBytes {
		t.Errorf("ThreadCacheBytes grew from %d to %d by a thread that has ended", live.ThreadCacheBytes,
			got.ThreadCacheBytes)
	}
}

// TestAttachFreedInC frees attached blocks in C, so that nobody tells the owner. Its end must not
// touch the address's next block.
func TestAttachFreedInC(t *testing.T) {
	needSharedHeap(t)
	noLeak(t)
	live := liveSince(t)
	collectAll(t)
	for _, k := range sizesOfKinds {
		for _, again := range []bool{false, true} {
			var owner *handle
			next := &handle{name: "next"}
			reused := freeAndReuse(t, k.n, func(b []byte) {
				owner = &handle{name: "first"}
				Attach(owner, b)
				before := live()
				ctest.Free(b)
				if got := live(); got != before-1 {
					t.Errorf("%d live blocks after C freed an attached one, %d before", got, before)
				}
			})
			f := fill(reused, 6)
			if again {
				Attach(next, reused)
			}
			collectOwner(&owner)
			if !again {
				afterGC(t, "the first owner's cleanup has run", func() bool { return attachments() == 0 })
			}
			if got := live(); got != 1 {
				t.Errorf("%s, attached again: %v: %d live blocks after the first owner's end, want 1", k.name, again, got)
				break
			}
			f.check(t)
			runtime.KeepAlive(next)
			if !again {
				Free(reused)
			}
			afterGC(t, "the block is freed", func() bool { return live() == 0 })
		}
	}
	collectAll(t) // nothing presses any more
}
