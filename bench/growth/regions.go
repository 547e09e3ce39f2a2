package main

import (
	"time"

	"github.com/gocmem/cmem/cmem"
)

// regions holds blocks that each are a region of their own.
func regions(c *config, r *result) error {
	alone()
	ch := r.chart("regions", "regions in the heap")
	var live [][]byte
	var s cmem.Stats
	for _, n := range steps(c.limit()) {
		for len(live) < n {
			live = append(live, cmem.Alloc(regionBytes))
		}
		ch.add(fits, n, c.batchCost(newBatch(48<<10, 256)))
		ch.add("a whole region", n, rate(samples, func() float64 {
			start := time.Now()
			cmem.Free(cmem.Alloc(regionBytes))
			cmem.Scavenge()
			return since(start)
		}))
		ch.add(scavengeNothing, n, c.cost(times(func() { cmem.Scavenge() })))
		ch.add("Scavenge, a region", n, rate(samples, func() float64 { return replaceOldest(live) }))
		ch.add(readStats, n, c.cost(times(func() { cmem.ReadStats(&s) })))
	}
	free(live)
	return nil
}

// replaceOldest frees the older half of the blocks, gives their regions back and allocates others, which are the newer
// half from then on. It returns what Scavenge took for a region.
func replaceOldest(live [][]byte) float64 {
	half := (len(live) + 1) / 2
	free(live[:half])
	start := time.Now()
	cmem.Scavenge()
	ns := since(start) / float64(half)
	copy(live, live[half:])
	for i := len(live) - half; i < len(live); i++ {
		live[i] = cmem.Alloc(regionBytes)
	}
	return ns
}
