//go:build cgo && linux && !race && !asan && !cmem_pinned && go1.24 && !go1.28

package cmem

import (
	"runtime"
	"sync"
	"testing"
	"unsafe"

	"github.com/gocmem/cmem/c"
)

// TestFindP: this Go release has an M's P where we take it to be, on whatever thread.
func TestFindP(t *testing.T) {
	if fastCaches != &caches {
		t.Fatalf("%s: findP did not find the P at %#x of an M: mP in fast_go1*_amd64.go is wrong", runtime.Version(), mP)
	}
	var wg sync.WaitGroup
	for range 64 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 100 {
				pid := procPin()
				p := currentP()
				procUnpin()
				if p&(1<<32-1) != uint64(pid) {
					t.Errorf("currentP is %#x on P %d", p, pid)
					return
				}
				runtime.Gosched()
			}
		}()
	}
	wg.Wait()
}

// TestWithoutP: where the P cannot be found, alloc and free do without the fast path.
func TestWithoutP(t *testing.T) {
	was := lastCache
	fastCaches, lastCache = nil, 0 // at FS itself there is a pointer to there, which is no P's
	defer func() { lastCache, fastCaches = was, &caches }()
	for n := 1; n <= maxClassSize; n = n*3 + 1 {
		b := Alloc(n)
		b[n-1] = 1
		Free(b)
		if misuseOf(func() { Free(b) }) == nil {
			t.Errorf("a second Free of %d bytes did not panic", n)
		}
	}
}

// TestClassesOfAssembly holds the assembly's arithmetic against the vectors: a free block of a
// class that is at hand serves the class's requests.
func TestClassesOfAssembly(t *testing.T) {
	pid := onOneP(t)
	noLeak(t)
	for _, v := range vectors(t) {
		drain() // so that none of another class is at hand
		Free(Alloc(v.size))
		for _, n := range []int{v.first, (v.first + v.size) / 2, v.size} {
			p := allocAssembly(pid, n)
			if p == nil {
				t.Fatalf("allocFast(%d) has no block, where one of class %d with %d bytes is at hand", n, v.cls, v.size)
			}
			if got := usable(p, "Usable"); got != v.size {
				t.Errorf("allocFast(%d) is a block of %d bytes, want %d, of class %d", n, got, v.size, v.cls)
			}
			free(p)
		}
	}
	checkCaches(t)
}

// otherCaches stands in for caches. Threads remember places in it; they find them empty.
var otherCaches [maxProcs]*c.Cache

// allocAssembly is allocFast where allocFastPinned, which it falls back to, finds no cache.
func allocAssembly(pid, n int) unsafe.Pointer {
	otherCaches[pid], caches[pid] = caches[pid], nil
	fastCaches = &otherCaches
	defer func() {
		fastCaches = &caches
		caches[pid], otherCaches[pid] = otherCaches[pid], nil
	}()
	return allocFast(n)
}
