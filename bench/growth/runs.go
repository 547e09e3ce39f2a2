package main

import (
	"time"

	"github.com/gocmem/cmem/cmem"
)

// What the lines of more than one curve are called.
const (
	fits            = "48 KiB"
	mebibyte        = "1 MiB"
	aPage           = "Scavenge, a page"
	scavengeNothing = "Scavenge, no gain"
	readStats       = "ReadStats"
)

// freeRuns frees every second one of many blocks of random sizes, 32 to 64 KiB: each free run is an extent.
func freeRuns(c *config, r *result) error {
	alone()
	ch := r.chart("free runs of 32 to 64 KiB between live blocks", "free runs")
	for _, n := range steps(c.limit()) {
		keep, hole := make([][]byte, n), make([][]byte, n)
		random := newRandom(n)
		size := func() int { return (8 + random.below(9)) << 12 }
		for i := range keep {
			keep[i], hole[i] = cmem.Alloc(size()), cmem.Alloc(size())
		}
		free(hole)
		ch.add(fits, n, c.batchCost(newBatch(48<<10, 256)))
		ch.add(mebibyte, n, c.batchCost(newBatch(1<<20, 32)))
		cmem.Scavenge()
		ch.add(aPage, n, rate(fewSamples, func() float64 { return refillAndScavenge(hole) }))
		free(keep)
		cmem.Scavenge()
	}
	return nil
}

// refillAndScavenge allocates blocks of the sizes that these had, which were freed, frees them, and gives them back. It
// returns what that took for a page.
func refillAndScavenge(blocks [][]byte) float64 {
	for i, b := range blocks {
		blocks[i] = cmem.Alloc(len(b))
	}
	free(blocks)
	return scavengedPage()
}

// scavengedPage is the cost of Scavenge for a page that it gives back.
func scavengedPage() float64 {
	start := time.Now()
	bytes := cmem.Scavenge()
	return since(start) / float64(max(bytes>>12, 1))
}
