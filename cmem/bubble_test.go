//go:build go1.25

package cmem

import (
	"context"
	"errors"
	"math"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Programs test themselves in bubbles (testing/synctest): there the clock stands still while a
// goroutine runs, goroutines and timers belong to the bubble they were made in, and a bubble whose
// goroutines all wait for each other ends the test. Each of these tests has a process of its own,
// as what matters is where the package was used first.
var bubbleTests = []struct {
	name string
	run  func(t *testing.T)
}{
	{"one buffer in a bubble", func(t *testing.T) {
		synctest.Test(t, func(*testing.T) { Free(Alloc(100_000)) })
	}},
	{"used first in a bubble", func(t *testing.T) {
		synctest.Test(t, useAll)
	}},
	{"used last in a bubble", func(t *testing.T) {
		useAll(t)
		synctest.Test(t, useAll)
	}},
	{"used in a bubble after a silence", func(t *testing.T) {
		SetIdleLimit(20 * time.Millisecond)
		useAll(t)
		untilReleased(t)
		time.Sleep(3 * time.Second)
		synctest.Test(t, useAll)
		untilReleased(t)
	}},
	{"used first in a bubble, then outside", func(t *testing.T) {
		synctest.Test(t, useAll)
		SetIdleLimit(20 * time.Millisecond)
		useAll(t)
		untilReleased(t)
	}},
	{"an idle limit set in a bubble", func(t *testing.T) {
		SetIdleLimit(0)
		synctest.Test(t, func(t *testing.T) {
			useAll(t)
			SetIdleLimit(20 * time.Millisecond)
		})
		untilReleased(t)
	}},
	{"several bubbles at once", func(t *testing.T) {
		for range 4 {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, useAll)
			})
		}
		useAll(t)
	}},
	{"the bubble's clock", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			b := Alloc(1 << 20)
			useAll(t)
			synctest.Wait()
			if d := time.Since(began); d != 0 {
				t.Errorf("cmem took %v of the bubble's time", d)
			}
			time.Sleep(24 * time.Hour)
			if d := time.Since(began); d != 24*time.Hour {
				t.Errorf("%v have gone by in the bubble, want 24h", d)
			}
			Free(b)
		})
	}},
	{"lost handles", func(t *testing.T) { synctest.Test(t, loseHandles) }},
	{"lost handles, in and out", func(t *testing.T) {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, loseHandles)
		})
		t.Run("", func(t *testing.T) {
			t.Parallel()
			loseHandles(t)
		})
	}},
	{"waiting for a collection from outside", func(t *testing.T) {
		loseHandles(t) // whatever is made at the first collection is made outside
		for !pressure.collecting.TryLock() {
			runtime.Gosched()
		}
		time.AfterFunc(100*time.Millisecond, pressure.collecting.Unlock)
		synctest.Test(t, func(*testing.T) { waitForCollection() })
	}},
	{"at a limit", func(t *testing.T) { synctest.Test(t, untilRefused) }},
	{"at a limit, in, out and in", func(t *testing.T) {
		synctest.Test(t, untilRefused)
		untilRefused(t)
		synctest.Test(t, untilRefused)
	}},
	{"memory limit tracked in a bubble", func(t *testing.T) {
		debug.SetMemoryLimit(4 << 30)
		synctest.Test(t, func(t *testing.T) {
			undo := TrackMemoryLimit()
			useAll(t)
			time.Sleep(time.Hour)
			undo()
		})
		checkTracking(t)
	}},
	{"memory limit tracked from a bubble on", func(t *testing.T) {
		debug.SetMemoryLimit(4 << 30)
		var undo func()
		synctest.Test(t, func(*testing.T) { undo = TrackMemoryLimit() })
		time.Sleep(50 * time.Millisecond)
		checkTracking(t)
		undo()
		undo = TrackMemoryLimit()
		synctest.Test(t, func(*testing.T) { undo() })
		if got := debug.SetMemoryLimit(-1); got != 4<<30 {
			t.Errorf("the limit is %d at the end, want %d", got, int64(4<<30))
		}
	}},
}

const bubbleEnv = "CMEM_TEST_BUBBLE"

func TestBubbles(t *testing.T) {
	child := os.Getenv(bubbleEnv)
	for _, b := range bubbleTests {
		if child == b.name {
			SetIdleLimit(idleAtStart)
			b.run(t)
		}
		if child != "" {
			continue
		}
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestBubbles$", "-test.timeout=50s")
			cmd.Env = append(os.Environ(), bubbleEnv+"="+b.name)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("the child ended with %v:\n%.4000s", err, out)
			}
		})
	}
}

// useAll uses what there is of the package, from some goroutines.
func useAll(t *testing.T) {
	kinds := sizesOfKinds
	if slowBuild {
		kinds = kinds[:2] // under the race detector a megabyte takes a millisecond to free
	}
	var all sync.WaitGroup
	for range 4 {
		all.Add(1)
		go func() {
			defer all.Done()
			for _, k := range kinds {
				b := Realloc(Alloc(k.n), k.n*2)
				dirty(b)
				time.Sleep(time.Duration(len(b) % 2)) // 0: no more than a look at the clock
				Free(b)
				Free(AllocZeroed(k.n))
				h := New(k.n)
				h.Free()
				New(k.n)
				a := NewArena()
				a.Alloc(k.n)
				a.Reset()
				a.Alloc(k.n)
				a.Free()
				NewArena().Alloc(k.n)
				owner := new([16]byte)
				Attach(owner, Alloc(k.n))
				runtime.KeepAlive(owner)
				runtime.Gosched()
			}
		}()
	}
	all.Wait()
	Scavenge()
	ReadStats(new(Stats))
	for _, k := range kinds {
		b := Alloc(k.n)
		dirty(b)
		Free(b)
	}
}

// untilReleased waits until the background has given everything back.
func untilReleased(t *testing.T) {
	t.Helper()
	afterGC(t, "all free memory has gone back", func() bool {
		s := statsNow()
		return s.MagazineBytes == 0 && s.HeapReleased == s.HeapIdle
	})
}

// loseHandles makes collections due.
func loseHandles(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	for range scaled(200) {
		New(1 << 20)
	}
}

// untilRefused allocates up to a limit, twice: the second time it is refused without much ado.
func untilRefused(t *testing.T) {
	limit := SetLimit(int64(statsNow().HeapInuse) + 16<<20)
	defer SetLimit(limit)
	for range 2 {
		bufs, err := allocUntilRefused(t, 1<<20)
		if !errors.Is(err, ErrNoMemory) {
			t.Errorf("error %v, want ErrNoMemory", err)
		}
		if len(bufs) < 8 {
			t.Errorf("only %d MiB of 16 could be had", len(bufs))
		}
		freeAll(bufs)
	}
}

// checkTracking checks that Go's limit follows where it is tracked, and only there.
func checkTracking(t *testing.T) {
	t.Helper()
	before := debug.SetMemoryLimit(-1)
	tracker.Lock()
	tracked := tracker.users > 0
	tracker.Unlock()
	if !offHeap {
		return // Go counts these buffers itself
	}
	b := Alloc(512 << 20)
	if tracked {
		afterGC(t, "Go's limit is lower by what C holds", func() bool { return debug.SetMemoryLimit(-1) <= before-400<<20 })
	} else if got := debug.SetMemoryLimit(-1); got != before || got == math.MaxInt64 {
		t.Errorf("the limit is %d and was %d", got, before)
	}
	Free(b)
	Scavenge()
	afterGC(t, "Go's limit is back once C's memory is", func() bool { return debug.SetMemoryLimit(-1) > before-128<<20 })
}
