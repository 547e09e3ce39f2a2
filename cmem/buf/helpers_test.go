package buf

import (
	"errors"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/gocmem/cmem/cmem"
)

// TestMain keeps the background scavenger off, so that figures stay what the tests make them.
func TestMain(m *testing.M) {
	cmem.SetIdleLimit(0)
	os.Exit(m.Run())
}

// newRand makes the generator of a test and prints its seed, which CMEM_SEED sets.
func newRand(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("CMEM_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("CMEM_SEED=%q is no number: %v", s, err)
		}
	}
	t.Logf("CMEM_SEED=%d repeats this run", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func statsNow() (s cmem.Stats) {
	cmem.ReadStats(&s)
	return s
}

// noLeak makes the test fail if it ends with another number of live blocks than it has begun with.
func noLeak(t *testing.T) {
	t.Helper()
	before := statsNow().LiveBlocks
	t.Cleanup(func() {
		if blocks := int64(statsNow().LiveBlocks - before); blocks != 0 {
			t.Errorf("the test leaves %+d live blocks", blocks)
		}
	})
}

// afterGC runs the collector until cond holds.
func afterGC(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !cond(); runtime.GC() {
		if time.Now().After(deadline) {
			t.Fatalf("not after 20 s of collections: %s", what)
		}
	}
}

// panicOf returns what f panics with, nil where it does not.
func panicOf(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}

// checkMisuse runs f, which must panic with a MisuseError of this text.
func checkMisuse(t *testing.T, want string, f func()) {
	t.Helper()
	value := panicOf(f)
	if e, ok := value.(*cmem.MisuseError); !ok || e.Error() != want {
		t.Errorf("panic value %v (%T), want a *cmem.MisuseError: %s", value, value, want)
	}
}

// checkNoMemory checks that what was returned or panicked with wraps cmem.ErrNoMemory.
func checkNoMemory(t *testing.T, what string, value any) {
	t.Helper()
	if err, ok := value.(error); !ok || !errors.Is(err, cmem.ErrNoMemory) {
		t.Errorf("%s: %v (%T), want an error that wraps cmem.ErrNoMemory", what, value, value)
	}
}

// text is n bytes that differ.
func text(rng *rand.Rand, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(rng.Uint32())
	}
	return p
}
