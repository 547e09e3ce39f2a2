package main

import (
	"fmt"
	"math/rand/v2"
	"time"
)

var batchLoad = &load{
	name: "batch",
	about: fmt.Sprintf("%d bodies of 50 to 150 KB by %d goroutines, every page written, live for %v about once a "+
		"second, then none",
		batchWorkers*batchShare, batchWorkers, batchHold),
	modes:    bufferModes,
	costs:    true,
	rssLimit: 1,
	runs:     1,
	window:   5 * time.Second,
	watch:    10 * time.Second,
	measure: func(t *trial) error {
		return measureCrowd(t, t.workers(batchWorkers), batch{evenSizes(50e3, 150e3), t.Seed}.work)
	},
}

const (
	batchWorkers = 20
	batchShare   = 100 // bodies of a worker
	batchHold    = 50 * time.Millisecond
)

type batch struct {
	sizes *sizes
	seed  uint64
}

func (o batch) work(c *crowd, w *worker) {
	var held [batchShare][]byte
	beat := rand.New(rand.NewPCG(o.seed, 2)) // the same for all: they come together
	for next := c.began; ; {
		next = next.Add(time.Duration((0.9 + 0.2*beat.Float64()) * float64(time.Second)))
		if !c.pause(w, time.Until(next)) {
			return
		}
		for i := range held {
			held[i] = c.get(w, o.sizes.draw(&w.rng))
			touch(held[i])
		}
		time.Sleep(batchHold)
		for _, b := range held {
			c.put(w, b)
		}
	}
}
