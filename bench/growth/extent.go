package main

import (
	"time"

	"github.com/gocmem/cmem/cmem"
)

// tooLong ends a curve whose next point would take a minute: the time, in ns, that one step of a point took.
const tooLong = 1e9

// An alternation is one maximal run of free pages of many spans: resident ones and others, which
// were given back, by turns.
type alternation struct {
	*filled
	resident int     // spans
	freeNs   float64 // what it took to free them
}

func oneExtent(c *config, r *result) error {
	alone()
	const size = 64 << 10
	ch := r.chart("one stretch of free spans of 64 KiB, every second one given back", "spans in the stretch")
	for _, n := range steps(c.limit()) {
		slowest := 0.0
		// From the lowest on, each free looks for the beginning of the stretch below it; from the highest on, the oldest
		// spans, which Scavenge begins with, lie farthest from it.
		for _, lowestFirst := range []bool{true, false} {
			a, err := alternate(n, size, lowestFirst)
			if err != nil {
				return err
			}
			if lowestFirst {
				ch.add("Free, lowest first", n, a.freeNs/float64(max(a.resident, 1)))
				flushMagazine(size)
				ch.add("64 KiB", n, c.batchCost(newBatch(size, 128)))
				ch.add(mebibyte, n, c.batchCost(newBatch(1<<20, 16)))
				slowest = max(slowest, a.freeNs)
			} else {
				start := time.Now()
				ch.add(aPage, n, scavengedPage())
				slowest = max(slowest, since(start))
			}
			a.free()
		}
		if slowest > tooLong {
			break
		}
	}
	return nil
}

// alternate makes a stretch of n spans, which are blocks of a region that is otherwise full.
func alternate(n, size int, lowestFirst bool) (*alternation, error) {
	f, err := fill(n, size)
	if err != nil {
		return nil, err
	}
	stretch := f.blocks[:n]
	f.blocks = f.blocks[n:]
	a := &alternation{filled: f, resident: n / 2}
	for i := 0; i < n; i += 2 {
		cmem.Free(stretch[i])
	}
	cmem.Scavenge()
	start := time.Now()
	for i := range a.resident {
		if !lowestFirst {
			i = a.resident - 1 - i
		}
		cmem.Free(stretch[2*i+1])
	}
	a.freeNs = since(start)
	return a, nil
}
