package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/gocmem/cmem/bench/internal/bench"
)

// A report is what -json writes.
type report struct {
	Machine   bench.Host `json:"machine"`
	Procs     int        `json:"procs"`
	Processes int        `json:"processes"`
	Rounds    int        `json:"rounds"`
	RoundTime string     `json:"round_time"`
	Results   []*result  `json:"results"`
}

// A result is what a case came to: cmem's CPU time as a multiple of the pool's.
type result struct {
	testcase
	Ratios  []float64   `json:"ratios"` // of each process, the median of its rounds
	Median  float64     `json:"median"`
	Slowest float64     `json:"slowest"`
	Ratio   bench.Ratio `json:"ratio"`
	Cmem    float64     `json:"cmem"` // ns a buffer, the median
	Pool    float64     `json:"pool"`
	Missed  bool        `json:"missed"`
}

// measure measures all cases once, then once more, and so on: the processes of a case lie minutes apart.
func (c *config) measure(progress io.Writer) (*report, error) {
	rep := &report{Machine: bench.ThisHost(), Procs: c.procs, Processes: c.processes, Rounds: c.rounds,
		RoundTime: c.time.String()}
	all := make([][]*times, len(c.cases))
	for n := range c.processes {
		fmt.Fprintf(progress, "states: process %d of %d of each case\n", n+1, c.processes)
		for i, tc := range c.cases {
			t, err := c.spawn(tc)
			if err != nil {
				return nil, err
			}
			all[i] = append(all[i], t)
		}
	}
	for i, tc := range c.cases {
		rep.Results = append(rep.Results, newResult(tc, all[i]))
	}
	return rep, nil
}

func newResult(tc testcase, processes []*times) *result {
	r := &result{testcase: tc}
	var ones, ours, theirs []float64
	for _, t := range processes {
		var ratios []float64
		for i := range t.Cmem {
			ratios = append(ratios, t.Cmem[i]/t.Pool[i])
		}
		r.Ratios, ones = append(r.Ratios, bench.Median(ratios)), append(ones, 1)
		ours, theirs = append(ours, bench.Median(t.Cmem)), append(theirs, bench.Median(t.Pool))
	}
	r.Median, r.Slowest, r.Ratio = bench.Median(r.Ratios), slices.Max(r.Ratios), bench.Ratios(r.Ratios, ones)
	r.Cmem, r.Pool = bench.Median(ours), bench.Median(theirs)
	r.Missed = find(tc.Measurement).missed(r)
	return r
}

func find(name string) *measurement {
	return measurements[slices.IndexFunc(measurements, func(m *measurement) bool { return m.name == name })]
}

func (rep *report) print(out io.Writer) error {
	fmt.Fprintf(out,
		"%v\nGOMAXPROCS %d; %d processes a case, %d rounds of %s in each; cmem's CPU time as a multiple of the pool's\n",
		rep.Machine, rep.Procs, rep.Processes, rep.Rounds, rep.RoundTime)
	for _, m := range measurements {
		var mine []*result
		for _, r := range rep.Results {
			if r.Measurement == m.name {
				mine = append(mine, r)
			}
		}
		if len(mine) > 0 {
			fmt.Fprintf(out, "\n%s: %s\nexpected: %s\n", m.name, m.about, m.expected)
			if err := table(out, mine); err != nil {
				return err
			}
		}
	}
	return nil
}

// table has two lines a row: the median and the slowest process; the geometric mean and its
// interval. What misses what is expected has an exclamation mark.
func table(out io.Writer, all []*result) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	var rows, columns []string
	for _, r := range all {
		rows, columns = appendNew(rows, r.row()), appendNew(columns, r.column())
	}
	fmt.Fprintf(w, "\t\t%s\n", strings.Join(columns, "\t"))
	lines := []struct {
		name string
		of   func(*result) string
	}{
		{"median, slowest", func(r *result) string { return fmt.Sprintf("%.2f %.2f", r.Median, r.Slowest) }},
		{"mean, 95 %", func(r *result) string {
			return fmt.Sprintf("%.2f %.2f–%.2f%s", r.Ratio.Mean, r.Ratio.Low, r.Ratio.High,
				map[bool]string{true: " !"}[r.Missed])
		}},
		{"ns, cmem and pool", func(r *result) string { return fmt.Sprintf("%.0f %.0f", r.Cmem, r.Pool) }},
	}
	missed := 0
	for _, row := range rows {
		for i, line := range lines {
			fmt.Fprintf(w, "%s\t%s", map[bool]string{true: row}[i == 0], line.name)
			for _, column := range columns {
				if at := slices.IndexFunc(all, func(r *result) bool { return r.row() == row && r.column() == column }); at >= 0 {
					fmt.Fprintf(w, "\t%s", line.of(all[at]))
				} else {
					fmt.Fprint(w, "\t")
				}
			}
			fmt.Fprintln(w)
		}
	}
	for _, r := range all {
		if r.Missed {
			missed++
		}
	}
	fmt.Fprintf(w, "missed (!): %d of %d\n", missed, len(all))
	return w.Flush()
}

func appendNew(all []string, s string) []string {
	if slices.Contains(all, s) {
		return all
	}
	return append(all, s)
}
