package main

import (
	"fmt"
	"time"
)

var lognormalLoad = &load{
	name: "lognormal",
	about: fmt.Sprintf("%d goroutines, bodies of 10 KB to 3 MB (log-normal, mean 99 KB), each copied into a buffer and "+
		"held 1 to 20 ms",
		lognormalWorkers),
	modes:   bufferModes,
	costs:   true,
	runs:    1,
	window:  10 * time.Second,
	watch:   10 * time.Second,
	measure: measureLognormal,
}

const lognormalWorkers = 1500

// plainStart is the resident size of a Go program that does nothing: with it as the base the
// harness counts as footprint.
const plainStart = 4.2e6

func measureLognormal(t *trial) error {
	src, err := newSource(t.Mode)
	if err != nil {
		return err
	}
	lat := newLatencies()
	c := newCrowd(src, t.workers(lognormalWorkers), t.Seed, lat,
		newBodies(lognormalSizes(), time.Millisecond, 20*time.Millisecond).work)
	w, err := c.watch(t)
	if err != nil {
		return err
	}
	get, fill := lat.sum()
	us := func(ns int64) float64 { return float64(ns) / 1e3 }
	t.add(c.figures(w)...)
	t.add(figure{"(RSS-start)/live", "", w.aboveStart(), 3}, figure{"(RSS-4.2)/live", "", w.above(plainStart), 3},
		figure{"get p50", "µs", us(get.ValueAtQuantile(50)), 2},
		figure{"get p99", "µs", us(get.ValueAtQuantile(99)), 2},
		figure{"get+fill p99", "µs", us(fill.ValueAtQuantile(99)), 0},
		w.faultRate())
	t.add(w.after(10 * time.Second)...)
	return nil
}
