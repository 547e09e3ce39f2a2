//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/gocmem/cmem/c"
)

// inuseOnOneP is in use all the time in the tests of limits: a quarter of it is what caches may
// hold.
const inuseOnOneP = 256 << 20

// onOneP keeps the test on one P, with a cache, and all limits ordinary before and after.
func onOneP(t *testing.T) (pid int) {
	t.Helper()
	needCaches(t)
	before, idle := runtime.GOMAXPROCS(1), SetIdleLimit(0) // nothing is given back
	time.Sleep(20 * time.Millisecond)                      // a step that is under way
	t.Cleanup(func() {
		drain()
		SetIdleLimit(idle)
		runtime.GOMAXPROCS(before)
		if n := extraTotal.Load(); n != 0 {
			t.Errorf("%d bytes of extra limits are left after a drain", n)
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

// TestRaisedLimit: a P whose cache has been raised holds that much, in blocks of all sizes, and no
// more than it after a drain.
func TestRaisedLimit(t *testing.T) {
	pid := onOneP(t)
	ordinary := caches[pid].Limit
	for range 4 {
		raiseLimit()
	}
	if limit := caches[pid].Limit; limit != ordinary+extraTotal.Load() || limit < 4*ordinary {
		t.Fatalf("the limit is %d after four raises of %d; extra limits add up to %d", limit, ordinary, extraTotal.Load())
	}
	rng, _ := newRand(t)
	churn(rng, 32, 4<<10, 256<<10, 10000)
	var s Stats
	ReadStats(&s)
	if s.MagazineBytes < uint64(2*ordinary) {
		t.Errorf("the cache holds %d bytes, its ordinary limit is %d", s.MagazineBytes, ordinary)
	}
	if ch, held := caches[pid], int64(s.MagazineBytes); ch.Room != ch.Limit-held {
		t.Errorf("room for %d bytes, limit %d, %d held", ch.Room, ch.Limit, held)
	}
	drain()
	if ReadStats(&s); s.MagazineBytes != 0 {
		t.Errorf("%d bytes are in magazines after a drain", s.MagazineBytes)
	}
	churn(rng, 32, 4<<10, 256<<10, 1000)
	if limit := caches[pid].Limit; limit > ordinary && extraTotal.Load() == 0 {
		t.Errorf("the limit is %d after a drain, %d before it was raised", limit, ordinary)
	}
}

// TestRaisesAreBounded: what the budget leaves, however often; and where the budget falls, so do
// they.
func TestRaisesAreBounded(t *testing.T) {
	pid := onOneP(t)
	most := c.CacheExtra()
	if want := int64(inuseOnOneP / 4); most < want*9/10 || most > want*11/10 {
		t.Errorf("raised caches may hold %d bytes beside %d in use", most, inuseOnOneP)
	}
	for range 100 {
		raiseLimit()
	}
	if extra := windows[pid].extra; extra > most || extra < most/2 || extra != extraTotal.Load() {
		t.Errorf("a hundred raises come to %d bytes (%d in all), expected some %d", extra, extraTotal.Load(), most)
	}
	keepBudget(c.CacheExtra())
	if extra := windows[pid].extra; extra < most/2 {
		t.Errorf("%d bytes are left within the budget of %d", extra, most)
	}
	extraTotal.Add(2 * most)
	windows[pid].extra += 2 * most
	keepBudget(c.CacheExtra())
	if extra := windows[pid].extra; extra > most || extra < most/2 || extra != extraTotal.Load() {
		t.Errorf("%d bytes (%d in all) are left of more than the budget, which is %d", extra, extraTotal.Load(), most)
	}
}

// TestTakeExtra: where others have it all, a cramped P takes half of what the first of them has.
func TestTakeExtra(t *testing.T) {
	pid := onOneP(t)
	other := pid + 1
	if caches[other] == nil {
		if parked[other] == nil {
			parked[other] = c.NewCache()
		}
		caches[other], parked[other] = parked[other], nil
	}
	most := c.CacheExtra()
	windows[other].extra = most
	extraTotal.Add(most)
	raiseLimit()
	if a, b := windows[pid].extra, windows[other].extra; a != most/2 || b != most-most/2 {
		t.Fatalf("the P has %d and the other one %d, of %d", a, b, most)
	}
	for range 10 {
		raiseLimit()
	}
	if a, b := windows[pid].extra, windows[other].extra; a <= b && a != most/2 || a+b != most {
		t.Errorf("after some more raises the P has %d and the other one %d", a, b)
	}
}

// TestRefused: a P that cannot have more is not cramped again at once.
func TestRefused(t *testing.T) {
	pid := onOneP(t)
	w := &windows[pid]
	w.refused = 0
	for range 100 {
		raiseLimit()
	}
	if w.refused == 0 {
		t.Error("a hundred raises, and none was refused")
	}
	cramped := func() bool { // at the end of a window that has just begun
		w.misses, w.overflows, w.since = crampedTrips, crampedTrips, monotonic()
		return w.next(pid)
	}
	ever := func() (found bool) { // a pause of the machine's own makes a busy P look calm: again
		for range 100 {
			found = found || cramped()
		}
		return found
	}
	if w.refused = monotonic() - refusedTime; !ever() {
		t.Error("it was refused more some time ago, and is not cramped")
	}
	if w.refused = monotonic() + time.Hour; ever() {
		t.Error("it has just been refused more, and is cramped")
	}
	w.refused = 0
}

// TestBorrow: a raised cache serves a request with a larger block of up to a doubling.
func TestBorrow(t *testing.T) {
	onOneP(t)
	for _, tt := range []struct {
		have, want int
		same       bool
	}{{100 << 10, 97 << 10, true}, {100 << 10, 60 << 10, true}, {100 << 10, 40 << 10, false},
		{100 << 10, 200 << 10, false}} {
		for _, raised := range []bool{false, true} {
			drain()
			Free(Alloc(1))
			if raised {
				raiseLimit()
			}
			b := Alloc(tt.have)
			Free(b)
			a := Alloc(tt.want)
			fits := usableOf(tt.want) == usableOf(tt.have)
			if same := unsafe.SliceData(a) == unsafe.SliceData(b); same != (tt.same && raised || fits) && tt.want < tt.have {
				t.Errorf("raised %v: %d bytes after %d were freed: the same block: %v", raised, tt.want, tt.have, same)
			}
			if have := Usable(a); have < tt.want || len(a) != tt.want || cap(a) != tt.want {
				t.Errorf("%d bytes: len %d, cap %d, usable %d", tt.want, len(a), cap(a), have)
			}
			Free(a)
			if misuseOf(func() { Free(a) }) == nil {
				t.Error("a second Free went through")
			}
			h := New(tt.want) // goes back to the class that it came from
			p, size := h.Bytes(), Usable(h.Bytes())
			h.Free()
			if again := Alloc(size); addr(again) != addr(p) {
				t.Errorf("raised %v: %d bytes, of a class of %d, were not freed to that class", raised, tt.want, size)
			} else {
				Free(again)
			}
		}
	}
}

// TestBorrowEverywhere: whoever allocates borrows from a raised cache, however low the ordinary
// limit is, as with many Ps.
func TestBorrowEverywhere(t *testing.T) {
	onOneP(t)
	ordinary := atomic.LoadInt64(c.CacheLimit)
	defer atomic.StoreInt64(c.CacheLimit, ordinary)
	for _, limit := range []int64{ordinary, 256 << 10} {
		for name, alloc := range map[string]func(n int) []byte{
			"Alloc":       Alloc,
			"AllocZeroed": AllocZeroed,
			"TryAlloc":    func(n int) []byte { b, _ := TryAlloc(n); return b },
			"New":         func(n int) []byte { return New(n).Bytes() },
		} {
			for _, raise := range []bool{false, true} {
				drain()
				atomic.StoreInt64(c.CacheLimit, limit)
				Free(Alloc(1))
				if raise {
					raiseLimit()
				}
				b := Alloc(100 << 10)
				Free(b)
				a := alloc(60 << 10)
				if same := addr(a) == addr(b); same != raise {
					t.Errorf("%s, ordinary limit %d, raised %v: 60 KiB after 100 KiB were freed: the same block: %v", name, limit,
						raise, same)
				}
				if name != "New" {
					Free(a)
				}
			}
		}
	}
	collectAll(t)
}

// TestBorrowSmall: no more than a doubling where steps are of 16 bytes, though onOneP has left
// blocks of 112 bytes.
func TestBorrowSmall(t *testing.T) {
	onOneP(t)
	raiseLimit()
	b := Alloc(48)
	if n := Usable(b); n > 96 {
		t.Errorf("48 bytes: %d usable, want 96 at most", n)
	}
	Free(b)
}

func usableOf(n int) int {
	_, size := classOf(n)
	return size
}

// TestCramped: only a P that misses as well as overflows, and does so all the time, is cramped.
func TestCramped(t *testing.T) {
	pid := onOneP(t)
	for _, tt := range []struct {
		name              string
		misses, overflows int
		pause             time.Duration
		want              bool
	}{
		{"both", 16, 16, 0, true},
		{"misses only", 31, 1, 0, true},
		{"overflows only", 1, 31, 0, true},
		{"now and then", 16, 16, time.Millisecond, false},
	} {
		// A window that ends: the next one begins.
		for windows[pid].misses+windows[pid].overflows != 0 || !endsWindow(pid) {
			windows[pid].misses, windows[pid].overflows = 0, 0
		}
		time.Sleep(tt.pause)
		for range tt.misses {
			countMiss(pid, 100)
		}
		got := false
		for range tt.overflows {
			got = countOverflow(pid)
		}
		// A pause of the machine's own makes a busy P look calm: again.
		for range 100 {
			if !tt.want || got {
				break
			}
			for range tt.misses {
				countMiss(pid, 100)
			}
			for range tt.overflows {
				got = countOverflow(pid)
			}
		}
		if got != tt.want {
			t.Errorf("%s: cramped is %v", tt.name, got)
		}
	}
}

// endsWindow fills a window up.
func endsWindow(pid int) bool {
	windows[pid].misses = crampedTrips
	countOverflow(pid)
	return windows[pid].overflows == 0
}
