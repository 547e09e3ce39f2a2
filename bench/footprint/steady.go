package main

import (
	"fmt"
	"time"

	"github.com/gocmem/cmem/cmem"
)

var steadyLoad = &load{
	name: "steady",
	about: "the load body on cmem, with the background scavenger as it is by default (on) and without it (off: " +
		"SetIdleLimit(0))",
	modes:    []string{"on", "off"},
	runs:     5,
	window:   10 * time.Second,
	measure:  measureSteady,
	conclude: concludeSteady,
}

func measureSteady(t *trial) error {
	if t.Mode == "off" {
		cmem.SetIdleLimit(0)
	}
	src, err := newSource("cmem")
	if err != nil {
		return err
	}
	w, c, err := watchBodies(t, src)
	if err != nil {
		return err
	}
	t.add(c.figures(w)...)
	t.add(figure{"(RSS-start)/live", "", w.aboveStart(), 3}, w.faultRate())
	return nil
}

// concludeSteady compares each run with the scavenger to the one after it without. The throughput is mostly set by how
// long bodies are held; the CPU time of a body is what a scavenger would cost.
func concludeSteady(trials []*trial) []string {
	var lines []string
	for _, name := range []string{"bodies", "CPU", "(RSS-start)/live"} {
		var ratios []float64
		for _, on := range trials {
			for _, off := range trials {
				if on.Mode == "on" && off.Mode == "off" && on.Run == off.Run && on.Procs == off.Procs {
					ratios = append(ratios, per(on.figure(name), off.figure(name)))
				}
			}
		}
		if len(ratios) > 0 {
			lines = append(lines, fmt.Sprintf("%s, scavenger on / off: %.4f (median of %d pairs)", name, median(ratios),
				len(ratios)))
		}
	}
	return lines
}
