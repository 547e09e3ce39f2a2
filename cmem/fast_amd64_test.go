//go:build cgo && linux && !race && !asan && !cmem_pinned && go1.24 && !go1.28

package cmem

import (
	"runtime"
	"sync"
	"testing"
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
