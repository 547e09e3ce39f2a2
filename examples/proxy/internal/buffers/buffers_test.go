package buffers

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/gocmem/cmem/examples/proxy/internal/cli"
)

// newHeap skips the test for an allocator that this build does not have.
func newHeap(t *testing.T, name string) *Heap {
	t.Helper()
	h, err := New(name)
	if err != nil {
		t.Skip(err)
	}
	return h
}

func TestNames(t *testing.T) {
	if len(Names()) != len(makers) {
		t.Errorf("Names() lists %d allocators of %d", len(Names()), len(makers))
	}
	_, err := New("arena")
	if err == nil || !strings.Contains(err.Error(), `"arena"`) || !strings.Contains(err.Error(), "make, pool, raw, cmem") {
		t.Errorf("New(arena): error %v, want one that names the value and the choices", err)
	}
}

// TestHeaps holds each allocator to the same behaviour: blocks of the asked
// length that nobody else writes to, and exact counters.
func TestHeaps(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			h := newHeap(t, name)
			s, err := cli.Seed(0)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("CMEM_SEED=%d", s)
			var wg sync.WaitGroup
			for worker := range 4 {
				wg.Add(1)
				go func() {
					defer wg.Done()
					churn(t, h, rand.New(rand.NewPCG(s, uint64(worker))))
				}()
			}
			wg.Wait()
			if c := h.Counts(); c.LiveBytes != 0 || c.LiveBlocks != 0 || c.Allocs == 0 || c.Allocs != c.Frees {
				t.Errorf("after everything was freed: %+v", c)
			}
		})
	}
}

// churn keeps a few blocks alive, each filled with a byte of its own, and looks
// at every byte before it frees a block.
func churn(t *testing.T, h *Heap, rng *rand.Rand) {
	type filled struct {
		block Block
		with  byte
	}
	var live []filled
	check := func(f filled) {
		if n := bytes.Count(f.block.Bytes, []byte{f.with}); n != len(f.block.Bytes) {
			t.Errorf("%d of %d bytes changed under their owner", len(f.block.Bytes)-n, len(f.block.Bytes))
		}
		h.Free(f.block)
	}
	for range 200 {
		if len(live) == 8 {
			i := rng.IntN(len(live))
			check(live[i])
			live[i] = live[len(live)-1]
			live = live[:len(live)-1]
		}
		n := rng.IntN(1 << rng.IntN(20))
		b, err := h.Alloc(n)
		if err != nil || len(b.Bytes) != n {
			t.Errorf("Alloc(%d) = %d bytes, %v", n, len(b.Bytes), err)
			return
		}
		f := filled{b, byte(rng.Uint32())}
		for i := range b.Bytes {
			b.Bytes[i] = f.with
		}
		live = append(live, f)
	}
	for _, f := range live {
		check(f)
	}
}

func TestPoolSizes(t *testing.T) {
	h := newHeap(t, "pool")
	for _, n := range []int{0, 1, 4096, 4097, 1 << maxPoolShift, 1<<maxPoolShift + 1} {
		b, err := h.Alloc(n)
		if err != nil || len(b.Bytes) != n {
			t.Fatalf("Alloc(%d) = %d bytes, %v", n, len(b.Bytes), err)
		}
		h.Free(b)
	}
}
