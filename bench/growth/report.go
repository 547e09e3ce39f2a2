package main

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"text/tabwriter"

	"github.com/gocmem/cmem/bench/internal/bench"
)

// A report is what -json writes.
type report struct {
	Machine   bench.Host `json:"machine"`
	Rounds    int        `json:"rounds"`
	RoundTime string     `json:"round_time"`
	Curves    []*result  `json:"curves"`
}

// write writes the files that were asked for.
func (rep *report) write(file, folder string) error {
	if err := bench.WriteJSON(file, rep); err != nil {
		return err
	}
	if folder == "" || len(rep.Curves) == 0 {
		return nil
	}
	title := "ns an operation, medians of " + strconv.Itoa(rep.Rounds) + " rounds. " + rep.Machine.String()
	return bench.WriteSVG(filepath.Join(folder, "growth.svg"), title, 3, rep.panels())
}

func (rep *report) panels() (all []bench.Panel) {
	for _, res := range rep.Curves {
		for _, ch := range res.Charts {
			p := bench.Panel{Title: ch.Title, X: bench.Axis{Label: ch.X, Log: true, Bytes: ch.Bytes},
				Y: bench.Axis{Label: "ns", Log: ch.wide()}}
			for _, l := range ch.Lines {
				s := bench.Series{Name: l.Name, Strong: l.Name == fromCmem}
				for _, at := range l.Points {
					s.Points = append(s.Points, bench.Point{X: float64(at.N), Y: at.Ns})
				}
				p.Series = append(p.Series, s)
			}
			all = append(all, p)
		}
	}
	return all
}

// wide is whether the costs differ so much that only a logarithmic axis shows them all. It would
// make much of what is noise in lines that are level.
func (c *chart) wide() bool {
	low, high := math.Inf(1), 0.0
	for _, l := range c.Lines {
		for _, p := range l.Points {
			low, high = min(low, p.Ns), max(high, p.Ns)
		}
	}
	return high > 10*low
}

func (r *result) print(w io.Writer) error {
	fmt.Fprintf(w, "\n%s: %s\n", r.Name, r.About)
	for _, ch := range r.Charts {
		if err := ch.print(w); err != nil {
			return err
		}
	}
	for _, note := range r.Notes {
		fmt.Fprintln(w, note)
	}
	return nil
}

// print writes a line a number, and how the costs have grown.
func (c *chart) print(w io.Writer) error {
	fmt.Fprintf(w, "\n%s\n", c.Title)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(tw, "%s\t", c.X)
	for _, l := range c.Lines {
		fmt.Fprintf(tw, "%s\t", l.Name)
	}
	fmt.Fprintln(tw)
	for _, n := range c.numbers() {
		name := strconv.Itoa(n)
		if c.Bytes {
			name = bench.SizeName(n)
		}
		c.row(tw, name, func(l *line) string { return l.at(n) })
	}
	c.row(tw, "slope a decade", func(l *line) string { return digits(l.Growth.Slope) })
	c.row(tw, "last ×10 costs ×", func(l *line) string { return l.Growth.last() })
	return tw.Flush()
}

func (c *chart) row(w io.Writer, name string, cell func(*line) string) {
	fmt.Fprintf(w, "%s\t", name)
	for _, l := range c.Lines {
		fmt.Fprintf(w, "%s\t", cell(l))
	}
	fmt.Fprintln(w)
}

// numbers are all that a line has a point of.
func (c *chart) numbers() (all []int) {
	for _, l := range c.Lines {
		for _, p := range l.Points {
			all = append(all, p.N)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (l *line) at(n int) string {
	for _, p := range l.Points {
		if p.N == n {
			return digits(p.Ns)
		}
	}
	return ""
}

// last is the ratio over the last decade, and what O(log n) allows there.
func (g growth) last() string {
	if len(g.Decades) == 0 {
		return ""
	}
	d := g.Decades[len(g.Decades)-1]
	if d.Allows == 0 {
		return fmt.Sprintf("%.2f", d.Ratio)
	}
	return fmt.Sprintf("%.2f (log: %.2f)", d.Ratio, d.Allows)
}

// digits are three of a number, at least.
func digits(ns float64) string {
	switch {
	case ns < 10 && ns > -10:
		return strconv.FormatFloat(ns, 'f', 2, 64)
	case ns < 100 && ns > -100:
		return strconv.FormatFloat(ns, 'f', 1, 64)
	}
	return strconv.FormatFloat(ns, 'f', 0, 64)
}
