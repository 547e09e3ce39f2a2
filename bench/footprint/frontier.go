package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/gocmem/cmem/bench/internal/bench"
)

// frontierIdles are the idle limits of cmem in a frontier; 0 gives nothing back.
var frontierIdles = []time.Duration{20 * time.Millisecond, 100 * time.Millisecond, time.Second, 3 * time.Second,
	10 * time.Second, 0}

// frontierRuns are measured by default.
const frontierRuns = 3

func (o *options) frontierDefaults() {
	if o.idle == nil {
		o.idle = frontierIdles
	}
	switch {
	case o.runs != 0:
	case o.quick:
		o.runs = 1
	default:
		o.runs = frontierRuns
	}
}

// settling is the load's time before the window: with an idle limit, as long as the heap needs to find its size.
func (o *options) settling(idle *time.Duration) time.Duration {
	d := o.warmupTime()
	if idle == nil || o.warmup >= 0 || o.quick {
		return d
	}
	return max(d, *idle*9/8+time.Second)
}

// bytesPerCore is the memory that costs as much as one core, at the same time for both.
const bytesPerCore = 4 << 30

// memory is what the resident bytes cost, in µs of CPU time a buffer: a second of a core is bytesPerCore for a second.
func (c *cost) memory() float64 { return per(c.RSS/bytesPerCore*1e6, c.Rate) }

// runFrontier measures all loads, draws a picture of each, and prints what everything costs.
func runFrontier(o *options, out, errOut io.Writer) error {
	if err := os.MkdirAll(o.frontier, 0o777); err != nil {
		return fmt.Errorf("-frontier: %w", err)
	}
	all := result{Go: goVersion(), Seed: o.seed}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table,
		"load\tmode\tCPUs\tCPU\tRSS-start\tRSS-start\tcost\tof the\t\n\t\t\tµs/buffer\tMB\tas "+
			"µs/buffer\tµs/buffer\tleast\t\n")
	for _, l := range o.loads {
		trials, err := l.run(o, errOut)
		if err != nil {
			return err
		}
		all.Trials = append(all.Trials, trials...)
		points := frontier(rows(trials))
		tabulate(table, l, points)
		file := filepath.Join(o.frontier, "frontier-"+l.name+".svg")
		if err := draw(file, l, points); err != nil {
			return err
		}
	}
	fmt.Fprintf(out,
		"a core costs as much as 4 GiB: cost = CPU + RSS-start/4 GiB/rate; %v of load, medians of %d; pictures in %s\n\n",
		o.window, o.runs, o.frontier)
	if err := table.Flush(); err != nil {
		return err
	}
	return writeJSON(o.json, &all, out)
}

// A spot is a mode in a picture: the medians of its runs.
type spot struct {
	*row
	cpu, rss, memory float64 // µs a buffer, bytes, µs a buffer
}

func (s *spot) cost() float64 { return s.cpu + s.memory }

func frontier(all []*row) []*spot {
	var spots []*spot
	for _, r := range all {
		median := func(of func(*cost) float64) float64 { return bench.Median(each(r.runs, of)) }
		spots = append(spots, &spot{r, median(cpuOf), median(aboveOf), median((*cost).memory)})
	}
	return spots
}

func tabulate(out io.Writer, l *load, spots []*spot) {
	least := spots[0].cost()
	for _, s := range spots {
		least = min(least, s.cost())
	}
	for _, s := range spots {
		fmt.Fprintf(out, "%s\t%s\t%d\t%.2f\t%.1f\t%.2f\t%.2f\t%.2f\t\n",
			l.name, s.label(), s.Procs, s.cpu, s.rss/1e6, s.memory, s.cost(), per(s.cost(), least))
	}
}

// draw has cmem's idle limits on a line, and a dot for each peer. Two panels for each GOMAXPROCS:
// of all modes, and of cmem and the pool alone, which lie close together among all.
func draw(file string, l *load, spots []*spot) error {
	var panels []bench.Panel
	for len(spots) > 0 {
		procs := spots[0].Procs
		n := slices.IndexFunc(spots, func(s *spot) bool { return s.Procs != procs })
		if n < 0 {
			n = len(spots)
		}
		near := slices.DeleteFunc(slices.Clone(spots[:n]),
			func(s *spot) bool { return s.Mode != modeCmem && s.Mode != modePool })
		panels = append(panels, panel(fmt.Sprintf("%d CPUs", procs), spots[:n]))
		if len(near) > 0 {
			panels = append(panels, panel(fmt.Sprintf("%d CPUs, cmem and pool", procs), near))
		}
		spots = spots[n:]
	}
	return bench.WriteSVG(file, l.name+": CPU time against resident memory", 2, panels)
}

func panel(title string, spots []*spot) bench.Panel {
	p := bench.Panel{Title: title, X: bench.Axis{Label: "CPU, µs a buffer"},
		Y: bench.Axis{Label: "RSS over the start, MB"}}
	for _, s := range spots {
		i := slices.IndexFunc(p.Series, func(line bench.Series) bool { return line.Name == s.Mode })
		if i < 0 {
			i = len(p.Series)
			p.Series = append(p.Series, bench.Series{Name: s.Mode, Strong: s.Mode == modeCmem})
		}
		p.Series[i].Points = append(p.Series[i].Points, bench.Point{X: s.cpu, Y: s.rss / 1e6})
		p.Series[i].Labels = append(p.Series[i].Labels, s.dot())
	}
	return p
}

// dot is how the spot is called in the picture, beside the legend.
func (s *spot) dot() string {
	switch {
	case s.Idle == nil:
		return s.Mode
	case *s.Idle == 0:
		return "never"
	}
	return s.Idle.String()
}
