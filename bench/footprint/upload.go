package main

import (
	"fmt"
	"time"
)

var uploadLoad = &load{
	name: "upload",
	about: fmt.Sprintf("%d goroutines grow a buffer by doubling from 4 KiB to up to 4 MiB (each number of doublings "+
		"alike), %v a step, every page written",
		uploadWorkers, uploadStep),
	modes:   bufferModes,
	costs:   true,
	runs:    1,
	window:  5 * time.Second,
	watch:   10 * time.Second,
	measure: func(t *trial) error { return measureCrowd(t, t.workers(uploadWorkers), upload) },
}

const (
	uploadWorkers   = 100
	uploadDoublings = 10
	uploadStep      = 2 * time.Millisecond
)

func upload(c *crowd, w *worker) {
	for !c.stop.Load() {
		b := c.get(w, 4<<10)
		touch(b)
		time.Sleep(uploadStep)
		for range w.rng.Uint64() % (uploadDoublings + 1) {
			longer := c.get(w, 2*len(b))
			touch(longer[copy(longer, b):])
			c.put(w, b)
			b = longer
			time.Sleep(uploadStep)
		}
		c.put(w, b)
	}
}
