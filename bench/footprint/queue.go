package main

import (
	"fmt"
	"time"
)

var queueLoad = &load{
	name: "queue",
	about: fmt.Sprintf("a reader writes to all pages of bodies of 64 KiB to 1 MiB, a queue of %d, %d writers read a "+
		"byte of each page and put them back",
		queueDepth, queueWriters),
	modes:    bufferModes,
	costs:    true,
	rssLimit: 1,
	runs:     1,
	window:   5 * time.Second,
	watch:    10 * time.Second,
	measure:  func(t *trial) error { return measureCrowd(t, 1+queueWriters, newQueue().work) },
}

const (
	queueDepth   = 256
	queueWriters = 2
)

// A queue is between the first worker, who gets the buffers, and the others, who put them back.
type queue struct {
	sizes  *sizes
	bodies chan []byte
}

func newQueue() *queue { return &queue{evenSizes(64<<10, 1<<20), make(chan []byte, queueDepth)} }

func (q *queue) work(c *crowd, w *worker) {
	if w.at == 0 {
		q.read(c, w)
		return
	}
	for b := range q.bodies {
		w.read += visit(b)
		c.put(w, b)
	}
}

func (q *queue) read(c *crowd, w *worker) {
	for !c.stop.Load() {
		b := c.get(w, q.sizes.draw(&w.rng))
		touch(b)
		q.bodies <- b
	}
	close(q.bodies)
}

// visit reads a byte of every page of b.
func visit(b []byte) (sum int) {
	for i := 0; i < len(b); i += 4096 {
		sum += int(b[i])
	}
	return sum
}
