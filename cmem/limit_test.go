package cmem

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// limited sets the limit for one test.
func limited(t *testing.T, bytes int64) {
	t.Helper()
	old := SetLimit(bytes)
	t.Cleanup(func() { SetLimit(old) })
}

func TestSetLimitReturnsTheLastOne(t *testing.T) {
	limited(t, 0)
	for _, step := range []struct{ set, want int64 }{{1 << 40, 0}, {1 << 41, 1 << 40}, {0, 1 << 41}, {-5, 0},
		{1 << 40, 0}} {
		if got := SetLimit(step.set); got != step.want {
			t.Errorf("SetLimit(%d) = %d, want %d", step.set, got, step.want)
		}
	}
}

// allocUntilRefused allocates until memory is out.
func allocUntilRefused(t *testing.T, n int) (bufs [][]byte, err error) {
	t.Helper()
	for {
		b, err := TryAlloc(n)
		if err != nil {
			return bufs, err
		}
		if bufs = append(bufs, b); len(bufs)*n > 1<<30 {
			t.Fatalf("%d buffers of %d bytes, and no end", len(bufs), n)
		}
	}
}

func freeAll(bufs [][]byte) {
	for _, b := range bufs {
		Free(b)
	}
}

func TestLimitIsMet(t *testing.T) {
	for _, n := range []int{100, 4 << 10, 30 << 10, 100_000, 300_000, 1 << 20, 5_000_001, 17 << 20} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			Scavenge()
			var s Stats
			ReadStats(&s)
			limit := int64(s.HeapInuse) + 64<<20
			limited(t, limit)
			bufs, err := allocUntilRefused(t, n)
			ReadStats(&s)
			if s.HeapInuse > uint64(limit) {
				t.Errorf("%d bytes in use, the limit is %d", s.HeapInuse, limit)
			}
			if got := len(bufs) * n; got < 56<<20*8/9-n {
				t.Errorf("only %d bytes of 64 MiB could be had", got)
			}
			if !errors.Is(err, ErrNoMemory) {
				t.Errorf("error %q is not ErrNoMemory", err)
			}
			for _, part := range []string{fmt.Sprintf("allocate %d bytes", n), fmt.Sprintf("limit is %d", limit),
				"bytes are in use"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
			// Some that go make room for another one, of another size too.
			some := len(bufs)/4 + 2
			freeAll(bufs[:some])
			b, err := TryAlloc(n + n/16)
			if err != nil {
				t.Errorf("with %d buffers less: %v", some, err)
			}
			Free(b)
			freeAll(bufs[some:])
			if b, err = TryAlloc(32 << 20); err != nil {
				t.Errorf("with all freed: %v", err)
			}
			Free(b)
		})
	}
}

func TestLimitBelowWhatIsInUse(t *testing.T) {
	b := Alloc(8 << 20)
	defer Free(b)
	limited(t, 1<<20)
	if _, err := TryAlloc(2 << 20); !errors.Is(err, ErrNoMemory) {
		t.Errorf("error %v, want ErrNoMemory", err)
	}
	b[len(b)-1] = 1 // it is ours still
}

func TestAllocPanicsOverTheLimit(t *testing.T) {
	limited(t, 1)
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, ErrNoMemory) {
			t.Errorf("panic with %v, want ErrNoMemory", err)
		}
	}()
	for range 1 << 20 {
		defer Free(Alloc(1 << 20))
	}
}

// Handles that are lost are collected before an allocation fails, also where nobody else collects.
func TestLimitCollectsLostHandles(t *testing.T) {
	collectAll(t)
	noLeak(t)
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	Scavenge()
	limited(t, int64(statsNow().HeapInuse)+64<<20)
	reclaimer.took = 0 // an attempt in vain by another test does not count
	for range 500 {
		New(1 << 20)
	}
	collectAll(t)
}

// collectAll waits until all handles that are lost are collected.
func collectAll(t *testing.T) {
	t.Helper()
	for began := time.Now(); pressing() > 0; {
		runtime.GC()
		if time.Since(began) > 10*time.Second {
			t.Fatalf("%d bytes are behind owners still", pressing())
		}
	}
}
