package main

import "github.com/gocmem/cmem/cmem"

// stride frees one in so many of a region's equal blocks: every 61st, so that the runs stand 610
// pages apart, a Fibonacci number, or random ones, for comparison. (A tree whose shape follows from
// a multiplicative hash of the addresses is a list where the distances are such that the hashes
// rise.)
func stride(c *config, r *result) error {
	alone()
	const size, one = 40 << 10, 61
	ch := r.chart("free runs of 40 KiB in one region", "free runs")
	for _, n := range steps(c.limit()) {
		for _, regular := range []bool{true, false} {
			name := "at random"
			if regular {
				name = "610 pages apart"
			}
			f, err := fill(n*one, size)
			if err != nil {
				return err
			}
			f.punch(n, one, regular)
			flushMagazine(size)
			ch.add("40 KiB, "+name, n, c.batchCost(newBatch(size, 256)))
			f.free()
		}
	}
	return nil
}

// punch frees n of the blocks, one of each so many.
func (f *filled) punch(n, one int, regular bool) {
	r := newRandom(n)
	for i := range n {
		at := i * one
		if !regular {
			at += r.below(one-1) + 1 // never two side by side
		}
		cmem.Free(f.blocks[at])
		f.blocks[at] = nil
	}
}
