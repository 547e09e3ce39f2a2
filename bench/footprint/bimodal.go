package main

import (
	"fmt"
	"time"
)

var bimodalLoad = &load{
	name: "bimodal",
	about: fmt.Sprintf("%d goroutines, 99 of 100 buffers 1 KB, one 1 to 8 MB, every page written, held 1 ms",
		bimodalWorkers),
	modes:  bufferModes,
	costs:  true,
	runs:   1,
	window: 5 * time.Second,
	watch:  10 * time.Second,
	measure: func(t *trial) error {
		return measureCrowd(t, t.workers(bimodalWorkers), bimodal{evenSizes(1e6, 8e6)}.work)
	},
}

const bimodalWorkers = 200

type bimodal struct{ large *sizes }

func (o bimodal) work(c *crowd, w *worker) {
	for !c.stop.Load() {
		n := 1000
		if w.rng.Uint64()%100 == 0 {
			n = o.large.draw(&w.rng)
		}
		b := c.get(w, n)
		touch(b)
		time.Sleep(time.Millisecond)
		c.put(w, b)
	}
}
