package main

import (
	"math"
	"slices"

	"github.com/gocmem/cmem/bench/internal/bench"
)

// A result is what a curve came to: one chart or several.
type result struct {
	Name   string   `json:"name"`
	About  string   `json:"about"`
	Charts []*chart `json:"charts"`
	Notes  []string `json:"notes,omitempty"`
}

// A chart has lines over the same thing that grows.
type chart struct {
	Title string  `json:"title"`
	X     string  `json:"x"`
	Bytes bool    `json:"bytes,omitempty"` // X counts bytes
	Lines []*line `json:"lines"`
}

// A line is the cost of one thing.
type line struct {
	Name   string  `json:"name"`
	Points []point `json:"points"`
	Growth growth  `json:"growth"`
}

type point struct {
	N  int     `json:"n"`
	Ns float64 `json:"ns"`
}

// growth is how a line rises. Where cost(n) = a + b log n with neither below 0, cost(n)/cost(n/10) is at most
// log n / log(n/10).
type growth struct {
	Slope   float64  `json:"slope_ns_per_decade"` // of the straight line over log n that fits best
	Decades []decade `json:"decades"`
}

// A decade compares the cost at N with that at N/10.
type decade struct {
	N      int     `json:"n"`
	Ratio  float64 `json:"ratio"`
	Allows float64 `json:"log_n_allows"` // the ratio of a cost that is O(log n), at most; 0 where there is no bound
}

func (r *result) chart(title, x string) *chart {
	c := &chart{Title: title, X: x}
	r.Charts = append(r.Charts, c)
	return c
}

func (c *chart) add(name string, n int, ns float64) {
	i := slices.IndexFunc(c.Lines, func(l *line) bool { return l.Name == name })
	if i < 0 {
		i = len(c.Lines)
		c.Lines = append(c.Lines, &line{Name: name})
	}
	c.Lines[i].Points = append(c.Lines[i].Points, point{n, ns})
}

// medians is the result of several rounds of a curve, with the growth of each line. A point that not every round has
// reached is left out.
func medians(rounds []*result) *result {
	res := &result{Name: rounds[0].Name, About: rounds[0].About, Notes: rounds[0].Notes}
	for i, first := range rounds[0].Charts {
		ch := res.chart(first.Title, first.X)
		ch.Bytes = first.Bytes
		for j, l := range first.Lines {
			for k, p := range l.Points {
				if all := points(rounds, i, j, k); len(all) == len(rounds) {
					ch.add(l.Name, p.N, bench.Median(all))
				}
			}
		}
		for _, l := range ch.Lines {
			l.Growth = fit(l.Points)
		}
	}
	return res
}

// points are the costs at the k-th point of the j-th line of the i-th chart, in the rounds that have one.
func points(rounds []*result, i, j, k int) (all []float64) {
	for _, r := range rounds {
		if l := r.Charts[i].Lines[j]; k < len(l.Points) {
			all = append(all, l.Points[k].Ns)
		}
	}
	return all
}

func fit(points []point) growth {
	g := growth{Slope: slope(points)}
	for _, p := range points {
		before, ok := costAt(points, float64(p.N)/10)
		if !ok {
			continue
		}
		d := decade{N: p.N, Ratio: p.Ns / before}
		if p.N > 10 {
			d.Allows = math.Log(float64(p.N)) / math.Log(float64(p.N)/10)
		}
		g.Decades = append(g.Decades, d)
	}
	return g
}

// slope is that of the least squares' line over log10 n; 0 of one point.
func slope(points []point) float64 {
	var sx, sy, sxx, sxy float64
	for _, p := range points {
		x := math.Log10(float64(p.N))
		sx, sy, sxx, sxy = sx+x, sy+p.Ns, sxx+x*x, sxy+x*p.Ns
	}
	n := float64(len(points))
	if d := n*sxx - sx*sx; d > 0 {
		return (n*sxy - sx*sy) / d
	}
	return 0
}

// costAt is the cost at n, between the two points beside it on logarithmic axes. Points that are
// rounded to whole numbers may begin a little above n.
func costAt(points []point, n float64) (float64, bool) {
	for i, p := range points {
		at := float64(p.N)
		if math.Abs(at-n) < 0.06*n {
			return p.Ns, true
		}
		if at < n {
			continue
		}
		if i == 0 {
			return 0, false
		}
		low := points[i-1]
		f := math.Log(n/float64(low.N)) / math.Log(at/float64(low.N))
		return low.Ns * math.Pow(p.Ns/low.Ns, f), true
	}
	return 0, false
}
