//go:build linux && cgo && !race && !asan && !goexperiment.cgocheck2

package vsz

import (
	"runtime"
	"testing"

	"github.com/gocmem/cmem/cmem"
)

// cmem's own statistics say how large its heap is; the library finds it from outside.
func TestCmemOfSelf(t *testing.T) {
	var held [][]byte
	for _, n := range []int{100, 64 << 10, 5 << 20, 40 << 20, 100 << 20} {
		b := cmem.Alloc(n)
		b[0] = 1
		held = append(held, b)
	}
	var s cmem.Stats
	cmem.ReadStats(&s)
	e, err := Self()
	if err != nil {
		t.Fatal(err)
	}
	checkSums(t, e)
	// Each region is a block of malloc's, with up to 64 KiB for its alignment and a page for the header.
	regions := e.Kind(CmemRegions)
	most := s.HeapSys>>10 + uint64(len(held)+2)*(64+4)
	if regions.VSZKiB < s.HeapSys>>10 || regions.VSZKiB > most {
		t.Errorf("regions of %d KiB, expected %d to %d", regions.VSZKiB, s.HeapSys>>10, most)
	}
	const slack = 256 // a chunk
	if got, want := e.Kind(CmemMetadata).VSZKiB, s.MetadataSys>>10; got+slack < want || got > want+slack {
		t.Errorf("metadata of %d KiB, expected about %d", got, want)
	}
	runtime.KeepAlive(held)
	for _, b := range held {
		cmem.Free(b)
	}
}
