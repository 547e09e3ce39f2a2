package cmem

import (
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
)

// TestPressure loses 2 GB of handles and makes hardly any garbage: collections must come nonetheless.
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

// TestFreedHandlesDoNotPress replaces handles, 20 GB of them and up to 150 at a time: no collection is due.
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
