package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/gocmem/cmem/bench/internal/bench"
)

// costWindow is what is measured of each load for -pairs and -frontier, by default.
const costWindow = 4 * time.Second

// What -pairs expects of cmem, the rest of the line being met: multiples of what the other mode
// takes but for the last two.
const (
	cpuLimit   = 1.00
	cpuEnd     = 1.05 // of the interval's upper end
	rssLimit   = 0.75 // unless the load has another
	peakLimit  = 1.2  // RSS beyond the start for each byte of the peak in use
	afterLimit = 8e6  // bytes beyond the start after the silence
)

// A comparison is a load as cmem and another mode had it in turn.
type comparison struct {
	Load    string      `json:"load"`
	Procs   int         `json:"procs"`
	Against string      `json:"against"`
	CPU     bench.Ratio `json:"cpu"`
	RSS     bench.Ratio `json:"rss"`
	Missed  []string    `json:"missed"`
	limit   float64
	ours    []*trial
	theirs  []*trial
}

// runPairs measures all loads in pairs, and prints a line for each.
func runPairs(o *options, out, errOut io.Writer) error {
	if err := lacks(o.against); err != nil {
		return err
	}
	fmt.Fprintf(out,
		"%d pairs, %v of load after %v; geometric mean of the ratios cmem/%s and its 95 %% interval; the rest are medians\n",
		o.pairs, o.window, o.warmupTime(), o.against)
	fmt.Fprintf(out, "expected: CPU at most %.2f, the interval's end %.2f; RSS-start at most %.2f (%s: 1.00); "+
		"RSS-start/peak in use of the last %v at most %.1f; RSS-start %v after the load at most %.0f MB\n\n",
		cpuLimit, cpuEnd, rssLimit, strings.Join(sparing(), ", "), peakSpan, peakLimit, afterDelay, afterLimit/1e6)
	const heads = "%-10s %4s  %7s %7s %6s %-13s  %7s %7s %6s %-13s  %5s  %8s %8s  %6s %6s  %s\n"
	other := o.against
	fmt.Fprintf(out, heads, "load", "CPUs", "CPU", "CPU", "ratio", "", "RSS", "RSS", "ratio", "", "RSS/", "faults",
		"faults", "+10s", "+10s", "")
	fmt.Fprintf(out, heads, "", "", "cmem", other, "", "", "cmem", other, "", "", "peak", "cmem", other, "cmem", other,
		"missed")
	fmt.Fprintf(out, heads, "", "", "µs", "µs", "", "", "MB", "MB", "", "", "", "1/s", "1/s", "MB", "MB", "")
	all, others := result{Go: goVersion(), Seed: o.seed}, 0.0
	for _, l := range o.loads {
		for _, procs := range o.procs {
			c, err := l.pairs(o, procs, errOut)
			if err != nil {
				return err
			}
			c.print(out)
			all.Trials = append(append(all.Trials, c.ours...), c.theirs...)
			all.Comparisons = append(all.Comparisons, c)
		}
	}
	for _, t := range all.Trials {
		others = max(others, t.Others)
	}
	fmt.Fprintf(out, "\nother processes used up to %.2f CPUs meanwhile\n", others)
	return writeJSON(o.json, &all, out)
}

// sparing are the loads that have a limit of their own.
func sparing() (names []string) {
	for _, l := range loads {
		if l.rssLimit != 0 {
			names = append(names, l.name)
		}
	}
	return names
}

// pairs lets cmem and the other mode take turns at the load. The first pair shows how much is left after a silence.
func (l *load) pairs(o *options, procs int, errOut io.Writer) (*comparison, error) {
	c := &comparison{Load: l.name, Procs: procs, Against: o.against, limit: l.rssLimit}
	if c.limit == 0 {
		c.limit = rssLimit
	}
	for run := 1; run <= o.pairs; run++ {
		ours, theirs := l.order(o, modeCmem, procs, run), l.order(o, o.against, procs, run)
		if len(o.idle) > 0 {
			ours.Idle = &o.idle[0]
		}
		both := []*order{&ours, &theirs}
		if run%2 == 0 {
			both[0], both[1] = both[1], both[0]
		}
		for _, ord := range both {
			if run > 1 {
				ord.Watch = 0
			}
			t, err := spawn(l, *ord, errOut)
			if err != nil {
				return nil, err
			}
			if !(t.Cost.CPU > 0 && t.Cost.RSS > 0) {
				return nil, fmt.Errorf("%s in mode %s: CPU %v µs a buffer, %v B over the start: expected more than 0; try more "+
					"-seconds",
					l.name, ord.Mode, t.Cost.CPU, t.Cost.RSS)
			}
			if ord == &ours {
				c.ours = append(c.ours, t)
			} else {
				c.theirs = append(c.theirs, t)
			}
		}
		fmt.Fprintf(errOut, "footprint: %s, pair %d/%d: CPU %.2f %.2f µs, RSS %.1f %.1f MB\n", l.name, run, o.pairs,
			c.ours[run-1].Cost.CPU, c.theirs[run-1].Cost.CPU, c.ours[run-1].Cost.RSS/1e6, c.theirs[run-1].Cost.RSS/1e6)
	}
	c.conclude()
	return c, nil
}

// each is a cost of all trials.
func each(trials []*trial, of func(*cost) float64) (all []float64) {
	for _, t := range trials {
		all = append(all, of(t.Cost))
	}
	return all
}

func cpuOf(c *cost) float64    { return c.CPU }
func aboveOf(c *cost) float64  { return c.RSS }
func faultsOf(c *cost) float64 { return c.Faults }

// after is what the first pair had left.
func after(trials []*trial) float64 { return trials[0].Cost.After }

func (c *comparison) conclude() {
	c.CPU = bench.Ratios(each(c.ours, cpuOf), each(c.theirs, cpuOf))
	c.RSS = bench.Ratios(each(c.ours, aboveOf), each(c.theirs, aboveOf))
	for _, limit := range []struct {
		name      string
		is, limit float64
	}{
		{"CPU", c.CPU.Mean, cpuLimit}, {"CPU's interval", c.CPU.High, cpuEnd}, {"RSS", c.RSS.Mean, c.limit},
		{"RSS/peak", c.multiple(), peakLimit}, {"+10s", after(c.ours), afterLimit},
	} {
		if limit.is > limit.limit {
			c.Missed = append(c.Missed, limit.name)
		}
	}
}

func (c *comparison) multiple() float64 { return bench.Median(each(c.ours, (*cost).multiple)) }

func (c *comparison) print(out io.Writer) {
	interval := func(r bench.Ratio) string { return fmt.Sprintf("%.3f–%.3f", r.Low, r.High) }
	missed := strings.Join(c.Missed, ", ")
	if missed == "" {
		missed = "-"
	}
	median := func(trials []*trial, of func(*cost) float64) float64 { return bench.Median(each(trials, of)) }
	fmt.Fprintf(out, "%-10s %4d  %7.2f %7.2f %6.3f %-13s  %7.1f %7.1f %6.3f %-13s  %5.2f  %8.0f %8.0f  %6.1f %6.1f  %s\n",
		c.Load, c.Procs,
		median(c.ours, cpuOf), median(c.theirs, cpuOf), c.CPU.Mean, interval(c.CPU),
		median(c.ours, aboveOf)/1e6, median(c.theirs, aboveOf)/1e6, c.RSS.Mean, interval(c.RSS),
		c.multiple(), median(c.ours, faultsOf), median(c.theirs, faultsOf), after(c.ours)/1e6, after(c.theirs)/1e6, missed)
}
