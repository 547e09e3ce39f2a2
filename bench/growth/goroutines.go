package main

import (
	"math"
	"runtime"
	"sync"
)

func goroutines(c *config, r *result) error {
	runtime.GOMAXPROCS(runtime.NumCPU())
	const pairSize, live = 1 << 10, 32
	pool := newPool(pairSize)
	pairs := r.chart("goroutines: pairs of 1 KiB", "goroutines")
	holds := r.chart("goroutines: 32 live each, 64 B to 32 KiB", "goroutines")
	mixed := mixture(64, 32<<10)
	for n := 1; n <= c.limit(); n *= 2 {
		for _, source := range []string{fromCmem, fromBare, fromMake} {
			pairs.add(source, n, c.together(n, func(int) worker { return newPair(source, pairSize, pool) }))
		}
		for _, source := range []string{fromCmem, fromPool, fromMake} {
			holds.add(source, n, c.together(n, func(i int) worker { return newHold(source, live, mixed, i) }))
		}
	}
	return nil
}

// together is the time that n workers at the same time take for an operation of any of them.
func (c *config) together(n int, start func(i int) worker) float64 {
	workers := make([]worker, n)
	for i := range workers {
		workers[i] = start(i)
	}
	ns := c.cost(func(ops int) {
		each := int(math.Ceil(float64(ops) / float64(n)))
		var wg sync.WaitGroup
		for _, w := range workers {
			wg.Add(1)
			go func() {
				defer wg.Done()
				w.run(each)
			}()
		}
		wg.Wait()
	})
	for _, w := range workers {
		w.close()
	}
	runtime.GC()
	return ns
}
