//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"slices"
	"testing"

	"github.com/gocmem/cmem/c"
	"github.com/gocmem/cmem/cmem/internal/ctest"
)

// TestExact: a block of 256 KiB or more of which its class has pages to spare is no longer than it
// needs, unless the class is in demand and has little to spare.
func TestExact(t *testing.T) {
	needCaches(t)
	noLeak(t)
	usable := func(n int) int {
		b := Alloc(n)
		defer Free(b)
		return Usable(b)
	}
	const class = 5 << 20
	little, much := class-c.ExactSpare, class-c.ExactSpare-4096
	Scavenge()
	for range 5 {
		if got := usable(much); got != much {
			t.Fatalf("a block for %d bytes has %d", much, got)
		}
	}
	for try := 0; try < 10; try++ { // the goroutine may move to another P now and then
		if got := usable(little); got == class {
			return
		} else if got != little {
			t.Fatalf("a block for %d bytes has %d, want as many or %d", little, got, class)
		}
	}
	t.Errorf("a block for %d bytes is never one of the class, of %d", little, class)
}

// TestExactScripts runs scripts of requests, each freed before the next, on a P whose cache has had
// none before, and on a new C thread: both are to answer alike, by the rule of EXACT_MIN and
// EXACT_SPARE (sizeclass.h).
func TestExactScripts(t *testing.T) {
	pid := onOneP(t)
	const (
		K, page = 1 << 10, 4 << 10
		five    = 5 << 20      // a class
		most    = five - 128*K // with as much to spare as a block of a class may have
		beyond  = most - page  // with more: exact, however often
		n300    = 300 * K      // of the class of 320 KiB
		n500    = 500 * K      // of 512 KiB
	)
	for _, tt := range []struct {
		name        string
		ask, usable []int
	}{
		{"first of its class", []int{n300}, []int{n300}},
		{"again", []int{n300, n300, n300}, []int{n300, 320 * K, 320 * K}},
		{"another size of the class", []int{n300, 290 * K}, []int{n300, 320 * K}},
		{"too much to spare", []int{beyond, beyond, beyond, beyond}, []int{beyond, beyond, beyond, beyond}},
		{"a class that was asked for by requests with too much to spare", []int{beyond, beyond, beyond, most},
			[]int{beyond, beyond, beyond, five}},
		{"as much to spare as may be", []int{most, most}, []int{most, five}},
		{"the cache has one", []int{most, most, beyond}, []int{most, five, five}},
		{"a class that was asked for by a request that fills it", []int{320 * K, 512 * K, n300},
			[]int{320 * K, 512 * K, 320 * K}},
		{"two in turn", []int{n300, n500, n300, n500}, []int{n300, n500, 320 * K, 512 * K}},
		{"three in turn", []int{n300, n500, 700 * K, n300, n500, 700 * K}, []int{n300, n500, 700 * K, n300, n500, 700 * K}},
		{"three in turn, of which one fills its class", []int{n300, n500, 1 << 20, n300}, []int{n300, n500, 1 << 20, n300}},
		{"below the least", []int{240*K + 1, 250 * K, 256 * K}, []int{256 * K, 256 * K, 256 * K}},
	} {
		Scavenge()
		Free(Alloc(1))
		caches[pid].Recent = 0
		caches[pid].Trips = c.Trips{} // a cache that is boosted meanwhile has other rules
		var inGo []int
		for _, n := range tt.ask {
			b := Alloc(n)
			inGo = append(inGo, Usable(b))
			Free(b)
		}
		inC := ctest.ChurnOnThread(tt.ask)
		if !slices.Equal(inGo, tt.usable) || !slices.Equal(inC, tt.usable) {
			t.Errorf("%s: blocks for %d hold\n%d in Go,\n%d in C, want\n%d", tt.name, tt.ask, inGo, inC, tt.usable)
		}
	}
}
