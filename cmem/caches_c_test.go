//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/gocmem/cmem/c"
)

// TestMagazineCapacity frees many blocks at once: what a P keeps is bounded.
func TestMagazineCapacity(t *testing.T) {
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
			limit := uint64(runtime.GOMAXPROCS(0))*uint64(1<<20+n) + uint64(c.Boosts())
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
