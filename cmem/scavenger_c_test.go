//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"errors"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"github.com/gocmem/cmem/cmem/internal/ctest"
)

// TestOneScavenger: C code cannot start libcmem's scavenger beside this package's, and is told so.
func TestOneScavenger(t *testing.T) {
	for range 2 {
		err := ctest.ScavengerStart(uint64(time.Hour))
		if !errors.Is(err, syscall.EALREADY) {
			t.Errorf("cmem_scavenger_start: %v, want EALREADY", err)
		}
		ctest.ScavengerStop() // does nothing
	}
}

// TestScavenger lets memory idle: the background gives all of it back, again and again, whatever
// blocks it was, at rest or not.
func TestScavenger(t *testing.T) {
	noLeak(t)
	defer SetIdleLimit(SetIdleLimit(20 * time.Millisecond))
	for round := range 3 {
		for _, k := range sizesOfKinds {
			var blocks [][]byte
			for range 8 {
				b := Alloc(k.n)
				dirty(b)
				blocks = append(blocks, b)
			}
			for _, b := range blocks[1:] {
				Free(b)
			}
			afterGC(t, k.name+" blocks have gone back", func() bool {
				s := statsNow()
				return s.MagazineBytes == 0 && s.HeapReleased == s.HeapIdle
			})
			if round == 1 {
				time.Sleep(restPeriod + restPeriod/4) // it is at rest now: the last block must be seen nonetheless
			}
			released := statsNow().HeapReleased
			Free(blocks[0])
			afterGC(t, "the last "+k.name+" block has gone back too", func() bool {
				s := statsNow()
				return s.MagazineBytes == 0 && s.HeapReleased == s.HeapIdle
			})
			t.Logf("round %d: %s blocks: %d bytes released, then %d", round, k.name, released, statsNow().HeapReleased)
		}
	}
}

// TestScavengerOff keeps everything.
func TestScavengerOff(t *testing.T) {
	noLeak(t)
	defer SetIdleLimit(SetIdleLimit(0))
	b := Alloc(1 << 20)
	dirty(b)
	Free(b)
	before := statsNow()
	time.Sleep(restPeriod + restPeriod/4) // a step has been made
	if after := statsNow(); after.ScavengedBytes != before.ScavengedBytes || after.MagazineBytes != before.MagazineBytes {
		t.Errorf("memory went back although the idle limit is off: %d bytes in all, %d before; %d in magazines, %d before",
			after.ScavengedBytes, before.ScavengedBytes, after.MagazineBytes, before.MagazineBytes)
	}
	if got := SetIdleLimit(time.Hour); got != 0 {
		t.Errorf("SetIdleLimit returned %v, want 0", got)
	}
	if got := SetIdleLimit(0); got != time.Hour {
		t.Errorf("SetIdleLimit returned %v, want 1h", got)
	}
}

// TestScarcity: under a tracked limit that is reached free memory goes, whatever the idle limit is,
// down to what fits.
func TestScarcity(t *testing.T) {
	noLeak(t)
	// whatever tests before this one have left of Go's memory, it has room beside 225 MiB of cmem's
	const budget = 400 << 20
	defer SetIdleLimit(SetIdleLimit(time.Hour))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(budget))
	defer TrackMemoryLimit()()
	kept := Alloc(200 << 20)
	dirty(kept)
	gone := Alloc(210 << 20)
	dirty(gone)
	Free(gone)
	if _, need, free := trackedUse(); need < 200<<20 || free < 200<<20 {
		t.Errorf("%d bytes are needed and %d free, with 200 MiB in use and 210 free", need, free)
	}
	afterGC(t, "what is free fits into the limit", func() bool {
		_, need, free := trackedUse()
		return need+free <= budget
	})
	if s := statsNow(); s.HeapIdle-s.HeapReleased < 10<<20 {
		t.Errorf("%d bytes are left free, though more would fit", s.HeapIdle-s.HeapReleased)
	}
	Free(kept)
	Scavenge()
}
