//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"runtime"
	"testing"
)

// TestNoCgoCall wants Alloc and Free that a magazine serves to stay in Go.
func TestNoCgoCall(t *testing.T) {
	needCaches(t)
	noLeak(t)
	const pairs = 10_000
	for _, size := range classSize {
		n := int(size)
		calls := int64(-1)
		// The goroutine may move to a P that has no such magazine yet, each time once: not ten times in a
		// row.
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
