//go:build go1.25

// Package leaks looks at cmem with goleak, as programs do that use both.
package leaks

import (
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/gocmem/cmem/cmem"
)

// TestMain looks once more when all tests have ended.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func use() {
	for _, n := range []int{100, 100_000, 1 << 20, 20 << 20} {
		cmem.Free(cmem.Alloc(n))
		cmem.New(n)
		cmem.NewArena().Alloc(n)
		cmem.Attach(new([16]byte), cmem.Alloc(n))
	}
	for range 200 {
		cmem.New(1 << 20) // lost: collections are due
	}
}

func TestUse(t *testing.T) {
	defer goleak.VerifyNone(t)
	use()
}

func TestUseInBubble(t *testing.T) {
	defer goleak.VerifyNone(t)
	synctest.Test(t, func(*testing.T) { use() })
}

func TestIdle(t *testing.T) {
	defer goleak.VerifyNone(t)
	defer cmem.SetIdleLimit(cmem.SetIdleLimit(20 * time.Millisecond))
	use()
	time.Sleep(2500 * time.Millisecond) // it is at rest
	goleak.VerifyNone(t)
	cmem.Free(cmem.Alloc(1000))
}

func TestTracking(t *testing.T) {
	defer goleak.VerifyNone(t)
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(4 << 30))
	undo := cmem.TrackMemoryLimit()
	defer undo()
	use()
	time.Sleep(100 * time.Millisecond)
	goleak.VerifyNone(t)
}
