//go:build unix

package breakeven

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"

	"github.com/gocmem/cmem/cmem"
)

var (
	sizes = []amount{{"64B", 64}, {"256B", 256}, {"1KiB", 1 << 10}, {"4KiB", 4 << 10}, {"16KiB", 16 << 10},
		{"64KiB", 64 << 10}, {"256KiB", 256 << 10}, {"1MiB", 1 << 20}}
	lives = []amount{{"0", 0}, {"64MiB", 64 << 20}}
)

type amount struct {
	name  string
	bytes int
}

// BenchmarkPair has all sizes; live: the heap of the rest of the program; write: how much of the buffer is written.
func BenchmarkPair(b *testing.B) {
	for _, live := range lives {
		b.Run("live="+live.name, func(b *testing.B) {
			heap := tree(live.bytes / nodeSize)
			for _, write := range []string{"byte", "all"} {
				for _, size := range sizes {
					body := bytes.Repeat([]byte{1}, size.bytes)
					if write == "byte" {
						body = body[:1]
					}
					for _, u := range users {
						name := fmt.Sprintf("write=%s/size=%s/by=%s", write, size.name, u.by)
						b.Run(name, func(b *testing.B) { measure(b, u.use, size.bytes, body) })
					}
				}
			}
			runtime.KeepAlive(heap)
		})
	}
}

func measure(b *testing.B, use user, size int, body []byte) {
	m := newMeter()
	b.ResetTimer()
	use(b.N, size, body)
	b.StopTimer()
	b.ReportMetric(m.cpuPerOp(b.N), "cpu-ns/op")
	b.ReportMetric(m.gcShare(), "gc-%")
}

// TestUsers lets each do some rounds: only make allocates Go memory, and cmem gets all back.
func TestUsers(t *testing.T) {
	const size, rounds = 4096, 100
	body := bytes.Repeat([]byte{1}, size)
	for _, u := range users {
		var before, after cmem.Stats
		cmem.ReadStats(&before)
		u.use(rounds, size, body)
		cmem.ReadStats(&after)
		if n := after.LiveBlocks - before.LiveBlocks; n != 0 {
			t.Errorf("%s has left %d blocks", u.by, n)
		}
		if got, want := after.Mallocs-before.Mallocs, uint64(rounds); (got == want) != (u.by == "cmem") {
			t.Errorf("%s has taken %d buffers from cmem", u.by, got)
		}
	}
}

// TestMeter makes garbage beside a live heap: that costs CPU time, and a part of it is the collector's.
func TestMeter(t *testing.T) {
	heap := tree(1 << 16)
	m := newMeter()
	if share := m.gcShare(); share != 0 {
		t.Errorf("gc-%% is %v before the first collection", share)
	}
	const rounds = 20
	useMake(rounds, 1<<20, nil)
	runtime.GC()
	if cpu, share := m.cpuPerOp(rounds), m.gcShare(); cpu <= 0 || share <= 0 || share > 100 {
		t.Errorf("%v ns an operation, %v %% for the collector", cpu, share)
	}
	runtime.KeepAlive(heap)
}

func TestTree(t *testing.T) {
	var count func(*node) int
	count = func(n *node) int {
		if n == nil {
			return 0
		}
		return 1 + count(n.left) + count(n.right)
	}
	for _, n := range []int{0, 1, 2, 3, 1000} {
		if got := count(tree(n)); got != n {
			t.Errorf("tree(%d) has %d nodes", n, got)
		}
	}
}
