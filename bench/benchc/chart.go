package main

import (
	"os"
	"path/filepath"

	"github.com/gocmem/cmem/bench/internal/bench"
)

// draw makes a picture of a workload. Where its cases differ in the blocks' size a panel is a figure, over the size;
// otherwise it is a figure of a case, over the rounds.
func draw(file string, w *workload, trials []*trial) error {
	var panels []bench.Panel
	for _, f := range w.figures {
		if w.cases[0].size > 0 {
			panels = append(panels, bySizePanel(f, trials))
			continue
		}
		for _, t := range trials {
			panels = append(panels, byRoundPanel(f, t))
		}
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	return bench.WriteSVG(file, "make bench-c: "+w.name, min(len(panels), 3), panels)
}

func bySizePanel(f *figure, trials []*trial) bench.Panel {
	p := bench.Panel{Title: f.Name, X: bench.Axis{Label: "size of the blocks", Log: true, Bytes: true},
		Y: bench.Axis{Label: f.Unit, Log: f.time}}
	for i, s := range trials[0].subjects {
		line := bench.Series{Name: s.name, Strong: i == theCmem}
		for _, t := range trials {
			line.Points = append(line.Points, bench.Point{X: float64(t.size), Y: t.median(f, i)})
		}
		p.Series = append(p.Series, line)
	}
	return p
}

func byRoundPanel(f *figure, t *trial) bench.Panel {
	p := bench.Panel{Title: f.Name + ", " + t.testcase.name, X: bench.Axis{Label: "round"},
		Y: bench.Axis{Label: f.Unit, Log: f.time}}
	for i, s := range t.subjects {
		line := bench.Series{Name: s.name, Strong: i == theCmem}
		for r, sample := range t.samples[i] {
			line.Points = append(line.Points, bench.Point{X: float64(r + 1), Y: f.of(sample)})
		}
		p.Series = append(p.Series, line)
	}
	return p
}
