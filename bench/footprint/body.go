package main

import (
	"fmt"
	"time"
)

var bodyLoad = &load{
	name: "body",
	about: fmt.Sprintf("%d goroutines, bodies of 10 KB to 3 MB (Pareto, mean 100 KB), each copied into a buffer and "+
		"held 10 to 90 ms",
		bodyWorkers),
	modes:   bufferModes,
	costs:   true,
	runs:    1,
	window:  10 * time.Second,
	watch:   10 * time.Second,
	measure: measureBody,
}

const bodyWorkers = 1000

func measureBody(t *trial) error {
	src, err := newSource(t.Mode)
	if err != nil {
		return err
	}
	w, c, err := watchBodies(t, src)
	if err != nil {
		return err
	}
	t.add(c.figures(w)...)
	t.add(figure{"(RSS-start)/live", "", w.aboveStart(), 3}, w.faultRate())
	t.add(w.after(2*time.Second, 5*time.Second, 10*time.Second)...)
	return nil
}

// watchBodies puts the load on a source.
func watchBodies(t *trial, src source) (*watch, *crowd, error) {
	c := newCrowd(src, t.workers(bodyWorkers), t.Seed, nil,
		newBodies(paretoSizes(), 10*time.Millisecond, 90*time.Millisecond).work)
	w, err := c.watch(t)
	return w, c, err
}
