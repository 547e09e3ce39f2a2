//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/gocmem/cmem/c"
	"github.com/gocmem/cmem/cmem/internal/ctest"
)

// inuseOnOneP is in use all the time in the tests of capacities: a quarter of it is what caches may
// hold.
const inuseOnOneP = 256 << 20

// onOneP keeps the test on one P, with a cache, and no cache boosted before and after.
func onOneP(t *testing.T) (pid int) {
	t.Helper()
	needCaches(t)
	before, idle := runtime.GOMAXPROCS(1), SetIdleLimit(0) // nothing is given back
	time.Sleep(20 * time.Millisecond)                      // a step that is under way
	t.Cleanup(func() {
		drain()
		SetIdleLimit(idle)
		runtime.GOMAXPROCS(before)
		if n := c.Boosts(); n != 0 {
			t.Errorf("%d bytes of boosts are left after a drain", n)
		}
	})
	Scavenge()
	inuse := Alloc(inuseOnOneP) // the more is in use the more caches may hold
	t.Cleanup(func() { Free(inuse) })
	Free(Alloc(100))
	pid = procPin()
	procUnpin()
	if caches[pid] == nil {
		t.Fatal("the P has no cache")
	}
	return pid
}

// boost boosts the cache of P pid, which the test runs on alone, and has it adopted.
func boost(pid int) {
	ctest.Boost(shareOf(caches[pid]), inuseOnOneP)
	adopt(caches[pid])
}

// churn replaces buffers of lo to hi bytes at random among n, times times, and frees them all.
func churn(rng *rand.Rand, n, lo, hi, times int) {
	live := make([][]byte, n)
	for range times {
		i := rng.IntN(n)
		Free(live[i])
		live[i] = Alloc(lo + rng.IntN(hi-lo))
	}
	for _, b := range live {
		Free(b)
	}
}

// TestBoost: a boosted cache holds that much, in blocks of all sizes, and no more than it after a
// drain.
func TestBoost(t *testing.T) {
	pid := onOneP(t)
	without := caches[pid].Capacity
	for range 4 {
		boost(pid)
	}
	if got := caches[pid].Capacity; got != without+c.Boosts() || got < 4*without {
		t.Fatalf("the capacity is %d after four boosts, %d without; boosts add up to %d", got, without, c.Boosts())
	}
	rng, _ := newRand(t)
	churn(rng, 32, 4<<10, 256<<10, 10000)
	var s Stats
	ReadStats(&s)
	if s.MagazineBytes < uint64(2*without) {
		t.Errorf("the cache holds %d bytes, its capacity without a boost is %d", s.MagazineBytes, without)
	}
	if ch, held := caches[pid], int64(s.MagazineBytes); ch.Room != ch.Capacity-held {
		t.Errorf("room for %d bytes, capacity %d, %d held", ch.Room, ch.Capacity, held)
	}
	drain()
	if ReadStats(&s); s.MagazineBytes != 0 {
		t.Errorf("%d bytes are in magazines after a drain", s.MagazineBytes)
	}
	churn(rng, 32, 4<<10, 256<<10, 1000)
	if got := caches[pid].Capacity; got > without && c.Boosts() == 0 {
		t.Errorf("the capacity is %d after a drain, %d before the boosts", got, without)
	}
}

// TestThrashing: a P that does little but miss and overflow gets a boost, by whichever way its
// blocks go. (C judges it: tests/c/test_budget.c.)
func TestThrashing(t *testing.T) {
	pid := onOneP(t)
	for _, tt := range []struct {
		name  string
		trips func()
	}{
		{"exact blocks", func() { Free(Alloc(300 << 10)); Free(Alloc(500 << 10)); Free(Alloc(700 << 10)) }},
		{"a full magazine", func() { wave(c.MagazineSize(classOf1(40<<10))*2, 40<<10) }},
	} {
		drain()
		for i := 0; c.Boosts() == 0; i++ {
			if i == 10_000 { // a pause of the machine's own makes a busy P look quiet: again
				t.Errorf("%s: no boost after %d rounds", tt.name, i)
				break
			}
			tt.trips()
		}
		if ch := caches[pid]; ch.Boost != c.Boosts() {
			t.Errorf("%s: boosts of %d bytes, the P's is %d", tt.name, c.Boosts(), ch.Boost)
		}
	}
}

func classOf1(n int) uint {
	cls, _ := classOf(n)
	return cls
}
