package main

import (
	"fmt"

	"github.com/gocmem/cmem/bench/internal/bench"
)

// draw writes the picture: a panel for each workload and number of goroutines that has several sizes, a line a peer.
func (r *report) draw(file string) error {
	var panels []bench.Panel
	for _, info := range r.Workloads {
		for _, goroutines := range crowds {
			if results := r.of(info.Name, goroutines); len(results) > 1 {
				panels = append(panels, panel(info.Name, goroutines, results))
			}
		}
	}
	title := fmt.Sprintf("cmem and its peers: ns a buffer (%s, %d cores, %s)", r.Machine.CPU, r.Machine.Cores,
		r.Machine.Go)
	return bench.WriteSVG(file, title, min(3, len(panels)), panels)
}

func panel(name string, goroutines int, results []*result) bench.Panel {
	if goroutines > 1 {
		name += fmt.Sprintf(", %d goroutines", goroutines)
	}
	p := bench.Panel{Title: name, X: bench.Axis{Label: "size", Log: true, Bytes: true},
		Y: bench.Axis{Label: "ns", Log: true}}
	for _, peer := range bySpeed(results) {
		s := bench.Series{Name: peer, Strong: peer == ours}
		for _, res := range results {
			if e := res.entry(peer); e != nil {
				s.Points = append(s.Points, bench.Point{X: float64(res.meanSize()), Y: e.Ns})
			}
		}
		if len(s.Points) > 1 { // one makes no line
			p.Series = append(p.Series, s)
		}
	}
	return p
}

// meanSize of the buffers.
func (c workCase) meanSize() int {
	if c.High > 0 {
		return (c.Low + c.High) / 2
	}
	return c.Size
}
