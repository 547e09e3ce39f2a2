//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"runtime/metrics"
	"sync"
	"testing"
)

// Goroutines that allocate and free on the slow paths keep the stacks that they began with: a
// service has thousands of them, each of which comes by once.
func TestStacksStaySmall(t *testing.T) {
	if slowBuild {
		t.Skip("the frames of this build are larger")
	}
	const n = 1000
	stacks := func() int64 {
		s := []metrics.Sample{{Name: "/memory/classes/heap/stacks:bytes"}}
		metrics.Read(s)
		return int64(s[0].Value.Uint64())
	}
	var ready, done sync.WaitGroup
	begin, end := make(chan struct{}), make(chan struct{})
	ready.Add(n)
	done.Add(n)
	for i := range n {
		go func() {
			ready.Done()
			<-begin
			var live [4][]byte
			for j := range live {
				live[j] = Alloc(32<<10 + (i*4+j)*512%(2<<20))
			}
			for j := range live {
				Free(live[j])
			}
			for range live { // of one class: its magazine runs over
				live[0] = Alloc(48 << 10)
				Free(live[0])
			}
			done.Done()
			<-end
		}()
	}
	ready.Wait()
	before := stacks()
	close(begin)
	done.Wait()
	grown := (stacks() - before) / n
	close(end)
	if grown > 256 {
		t.Errorf("stacks have grown by %d bytes each, want 256 at most", grown)
	}
}
