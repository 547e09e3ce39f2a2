package main

import (
	"runtime"

	"github.com/gocmem/cmem/cmem"
)

func liveBlocks(c *config, r *result) error {
	for _, kind := range []struct {
		title string
		sizes []int
	}{
		{"live blocks of 64 B", []int{64}},
		{"live blocks of 4 KiB", []int{4 << 10}},
		{"live blocks of 64 B to 64 KiB", mixture(64, 64<<10)},
	} {
		ch := r.chart(kind.title, "live blocks")
		for _, n := range steps(c.limit()) {
			for _, source := range []string{fromCmem, fromPool, fromMake, onlyGo} {
				w := newHold(source, n, kind.sizes, n)
				ch.add(source, n, c.cost(w.run))
				w.close()
				w = nil
				runtime.GC()
				cmem.Scavenge()
			}
		}
	}
	return nil
}
