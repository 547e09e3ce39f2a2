package cmem

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestPressure loses 2 GB of handles and makes hardly any garbage: collections must come
// nonetheless.
func TestPressure(t *testing.T) {
	noLeak(t)
	before := statsNow()
	var most uint64
	for range scaled(2000) {
		b := New(1 << 20)
		dirty(b.Bytes())
		runtime.KeepAlive(b)
		runtime.Gosched() // cleanups get their turn
		most = max(most, statsNow().LiveBytes-before.LiveBytes)
	}
	if !slowBuild && most > 256<<20 {
		t.Errorf("%d MB were lost before they were collected", most>>20)
	}
	afterGC(t, "all lost buffers are freed", func() bool { return statsNow().LiveBlocks == before.LiveBlocks })
}

// TestPressing counts handles that come on one P and go on another, of all sizes, and lost ones.
func TestPressing(t *testing.T) {
	collectAll(t)
	noLeak(t)
	want := int64(0)
	check := func(when string) {
		t.Helper()
		if got := pressing(); got != want {
			t.Errorf("%s: %d bytes press on the collector, want %d", when, got, want)
		}
	}
	for range 20 {
		var handles []Buffer
		for i := range 200 {
			n := i * i * 7 % 20_000
			handles = append(handles, New(n))
			want += int64(n)
		}
		handles = append(handles, New(maxClassSize+1))
		want += maxClassSize + 1
		check("when handles were made")
		var all sync.WaitGroup
		for i := range 4 {
			all.Add(1)
			go func() {
				defer all.Done()
				for j := i; j < len(handles); j += 4 {
					handles[j].Free()
					handles[j].Free()
				}
			}()
		}
		all.Wait()
		want = 0
		check("when all are freed")
	}
	func() {
		defer debug.SetGCPercent(debug.SetGCPercent(-1))
		for range 100 {
			New(1000)
		}
		want = 100_000
		check("when handles were lost")
	}()
	want = 0
	collectAll(t)
	check("when they are collected")
}

// TestFreedHandlesDoNotPress replaces handles, 20 GB of them and up to 150 at a time: no collection
// is due.
func TestFreedHandlesDoNotPress(t *testing.T) {
	if slowBuild || !offHeap {
		t.Skip("the Go heap has its own collections")
	}
	collectAll(t)
	noLeak(t)
	var held [150]Buffer
	for i := range held {
		held[i] = New(1 << 20)
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range 200 {
		for j := range held[:1+i*7%len(held)] {
			held[j].Free()
		}
		for j := range held[:1+i*7%len(held)] {
			held[j] = New(1 << 20)
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.NumGC - before.NumGC; n > 1 {
		t.Errorf("%d collections, want 1 at most", n)
	}
	for _, b := range held {
		b.Free()
	}
}

// collections is how many there were.
func collections() uint32 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.NumGC
}

// owners are the ways in which an owner comes to n bytes. The function that each returns frees them
// by hand.
var owners = []struct {
	name string
	make func(n int) (free func())
}{
	{"handles", func(n int) func() { return New(n).Free }},
	{"attached", func(n int) func() {
		owner, b := new([16]byte), Alloc(n)
		Attach(owner, b)
		return func() {
			Free(b)
			runtime.KeepAlive(owner)
		}
	}},
	{"arenas", func(n int) func() {
		a := NewArena()
		a.Alloc(n)
		return a.Free
	}},
}

// atMemoryLimit sets the collector off but for Go's memory limit, which is room bytes away.
func atMemoryLimit(t *testing.T, room int64) {
	t.Helper()
	for range 1000 { // the owners that other tests have freed, with which there is no look
		New(1)
	}
	collectAll(t)
	noLeak(t)
	debug.FreeOSMemory()
	Scavenge()
	if offHeap { // so that Go alone is far from the limit
		b := Alloc(256 << 20)
		t.Cleanup(func() { Free(b) })
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	percent, limit := debug.SetGCPercent(-1), debug.SetMemoryLimit(int64(m.Sys-m.HeapReleased)+residentBytes()+room)
	forget := func() {
		pressure.debt.Store(0)
		pressure.missing.Store(0)
	}
	forget()
	t.Cleanup(func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
		forget()
		collectAll(t)
	})
}

// TestMemoryLimitCollects loses 2 GiB with GOGC=off: they are collected before Go and cmem together
// exceed the memory limit.
func TestMemoryLimitCollects(t *testing.T) {
	const room = 64 << 20
	for _, tracked := range []bool{false, true} {
		for _, o := range owners {
			t.Run(fmt.Sprintf("%s, tracked %v", o.name, tracked), func(t *testing.T) {
				atMemoryLimit(t, room)
				if tracked {
					defer TrackMemoryLimit()()
				}
				before := statsNow().LiveBytes
				var most uint64
				for range scaled(2048) { // not touched, so that they come as fast as can be
					o.make(1 << 20)
					most = max(most, statsNow().LiveBytes-before)
				}
				bound := uint64(2 * room) // on a busy machine cleanups may come late
				if !offHeap {             // Go collects at the limit by itself, and nobody waits for the cleanups
					bound = 200 << 20
				}
				if !slowBuild && most > bound {
					t.Errorf("%d MB were lost before they were collected, want %d MB at most", most>>20, bound>>20)
				}
			})
		}
	}
}

// TestMemoryLimitSparesTheLiving replaces buffers at the limit, 10 GB of them and 100 MB at a time,
// and loses none.
func TestMemoryLimitSparesTheLiving(t *testing.T) {
	if !offHeap {
		t.Skip("the Go heap has its own collections")
	}
	for _, o := range owners {
		t.Run(o.name, func(t *testing.T) {
			atMemoryLimit(t, 0)
			before := collections()
			for range 100 {
				var frees []func()
				for range 100 {
					frees = append(frees, o.make(1<<20))
				}
				for _, free := range frees {
					free()
				}
			}
			if n := collections() - before; n > 20 {
				t.Errorf("%d collections, want 20 at most", n)
			}
		})
	}
}

// TestMemoryLimitDebt loses handles at the limit after collections have taken too much CPU time,
// and then not.
func TestMemoryLimitDebt(t *testing.T) {
	if !offHeap {
		t.Skip("Go collects at the limit by itself")
	}
	atMemoryLimit(t, 0)
	const huge = time.Hour
	for _, debt := range []time.Duration{huge, 0} {
		pressure.debt.Store(int64(debt))
		pressure.ended.Store(int64(cpuTime()))
		before := collections()
		for range 100 {
			New(1 << 20)
		}
		if n := collections() - before; (n > 0) != (debt == 0) {
			t.Errorf("%d collections with a debt of %v", n, debt)
		}
	}
}

// TestDebt checks the sum: a collection at the limit adds its CPU time, and what is used besides
// goes off.
func TestDebt(t *testing.T) {
	defer pressure.debt.Store(0)
	defer pressure.missing.Store(0)
	pressure.debt.Store(int64(time.Second))
	ended := cpuTime()
	pressure.ended.Store(int64(ended))
	for _, c := range []struct{ used, want time.Duration }{
		{0, time.Second}, {300 * time.Millisecond, 700 * time.Millisecond}, {time.Second, 0}, {time.Hour, 0},
	} {
		if got := debtAt(ended + c.used); got != c.want {
			t.Errorf("%v of CPU time later the debt is %v, want %v", c.used, got, c.want)
		}
	}
	pressure.debt.Store(int64(time.Hour))
	pressure.collecting.Lock()
	began := cpuTime()
	before := debtAt(began)
	collectAtLimit(0, 0)
	ended = cpuTime()
	if after := debtAt(ended); after <= before || after > before+(ended-began) {
		t.Errorf("the debt is %v after a collection that took %v of CPU time at most, and was %v", after, ended-began, before)
	}
}

// TestNoMemoryLimit: with GOGC=off and no limit no collection is due, as for Go's own heap.
func TestNoMemoryLimit(t *testing.T) {
	if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 {
		t.Skipf("GOMEMLIMIT is %d", got)
	}
	collectAll(t)
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	before := collections()
	for range 100 {
		New(1 << 20)
	}
	if n := collections() - before; n > 0 {
		t.Errorf("%d collections, want none", n)
	}
	collectAll(t)
}

func init() { children["stuck finalizer"] = stuckFinalizer }

// stuckFinalizer makes 128 MiB of handles and loses some while a finalizer never returns. It prints
// what came of it.
func stuckFinalizer() {
	stuck := make(chan bool)
	runtime.SetFinalizer(new([64]byte), func(*[64]byte) {
		close(stuck)
		select {}
	})
	runtime.GC()
	<-stuck
	before := collections()
	var held []Buffer
	for range 512 {
		held = append(held, New(256<<10))
	}
	n := collections() - before
	for range 100 {
		New(1 << 20)
	}
	lost := pressing()
	for began := time.Now(); lost > 128<<20 && time.Since(began) < time.Second; lost = pressing() {
		runtime.GC()
	}
	fmt.Println(n, lost-128<<20)
	runtime.KeepAlive(held)
}

// TestStuckFinalizer has a child whose finalizer never returns: each new handle is not to make a
// collection for it.
func TestStuckFinalizer(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=stuck finalizer", "GOGC=100", "GOMEMLIMIT=off")
	out, err := cmd.CombinedOutput()
	var n, lost int64
	if _, scanErr := fmt.Sscan(string(out), &n, &lost); err != nil || scanErr != nil {
		t.Fatalf("the child ended with %v and said %q", err, out)
	}
	if n > 20 { // where it is Go memory the collector has its own reasons too
		t.Errorf("%d collections for 128 MiB of handles in use, want 20 at most", n)
	}
	// Go 1.24 runs cleanups in the goroutine of the finalizers.
	if waits := strings.HasPrefix(runtime.Version(), "go1.24"); (lost > 0) != waits {
		t.Errorf("%d bytes of lost handles are still there; want some: %v", lost, waits)
	}
}
