package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// A row is the trials that differ in nothing but the run; it has the order of the first.
type row struct {
	order
	runs []*trial
}

func rows(trials []*trial) []*row {
	var all []*row
	for _, t := range trials {
		i := slices.IndexFunc(all, func(r *row) bool {
			return r.label() == t.label() && r.Procs == t.Procs
		})
		if i < 0 {
			i = len(all)
			all = append(all, &row{order: t.order})
		}
		all[i].runs = append(all[i].runs, t)
	}
	return all
}

// median of the values, the mean of the middle two where they are even in number; 0 of none.
func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	if n == 0 {
		return 0
	}
	return (v[(n-1)/2] + v[n/2]) / 2
}

// median of the named figure.
func (r *row) median(name string) float64 {
	var values []float64
	for _, t := range r.runs {
		values = append(values, t.figure(name))
	}
	return median(values)
}

// medianOf is the median of the i-th figure of a group.
func (r *row) medianOf(group func(*trial) []figure, i int) float64 {
	var values []float64
	for _, t := range r.runs {
		values = append(values, group(t)[i].Value)
	}
	return median(values)
}

// writeReport prints what a load's trials came to.
func writeReport(out io.Writer, l *load, trials []*trial, lines []string, where bool) error {
	all := rows(trials)
	fmt.Fprintf(out, "\n%s: %s\n%s\n", l.name, l.about, circumstances(l, trials))
	if err := writeFigures(out, all, func(t *trial) []figure { return t.Figures }); err != nil {
		return err
	}
	for _, line := range lines {
		fmt.Fprintln(out, line)
	}
	if !where {
		return nil
	}
	return writeWhere(out, all)
}

// circumstances are how long the load ran, how often, and how busy the machine was besides.
func circumstances(l *load, trials []*trial) string {
	o, s := trials[0].order, ""
	if l.window > 0 {
		s = fmt.Sprintf("%v of load", o.Window)
		if l.watch > 0 {
			s += fmt.Sprintf(", %v of silence", o.Watch)
		}
		s += "; "
	}
	if n := len(rows(trials)[0].runs); n > 1 {
		s += fmt.Sprintf("medians of %d runs", n)
	} else {
		s += "one run"
	}
	var others float64
	for _, t := range trials {
		others = max(others, t.Others)
	}
	return s + fmt.Sprintf("; other processes used up to %.2f CPUs meanwhile", others)
}

// writeFigures prints one line a row, one column a figure.
func writeFigures(out io.Writer, all []*row, group func(*trial) []figure) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	names, units := "mode\tCPUs\t", "\t\t"
	for _, f := range group(all[0].runs[0]) {
		names += f.Name + "\t"
		units += f.Unit + "\t"
	}
	fmt.Fprintf(w, "%s\n%s\n", names, units)
	for _, r := range all {
		fmt.Fprintf(w, "%s\t%d\t", r.label(), r.Procs)
		for i, f := range group(r.runs[0]) {
			fmt.Fprintf(w, "%s\t", strconv.FormatFloat(r.medianOf(group, i), 'f', f.Digits, 64))
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

// writeWhere prints where the bytes of the rows were, where the load has looked.
func writeWhere(out io.Writer, all []*row) error {
	all = slices.DeleteFunc(slices.Clone(all), func(r *row) bool { return len(r.runs[0].Mappings) == 0 })
	if len(all) == 0 {
		return nil
	}
	heaps := slices.DeleteFunc(slices.Clone(all), func(r *row) bool { return len(r.runs[0].Heap) == 0 })
	if len(heaps) > 0 {
		fmt.Fprint(out, "\nwhere RSS-start is, by the statistics of cmem and Go; means of the load, MB:\n",
			"RSS-start = requested + rounding to classes + free in magazines, threads, central, idle spans + Go heap and "+
				"stacks + rest\n")
		if err := writeFigures(out, heaps, func(t *trial) []figure { return t.Heap }); err != nil {
			return err
		}
	}
	const smallest = 100_000
	fmt.Fprintln(out, "\nwhere RSS is, by mapping; end of the load, first run, MB:")
	for _, r := range all {
		var parts []string
		for _, m := range r.runs[0].Mappings {
			if m.RSS >= smallest {
				parts = append(parts, fmt.Sprintf("%s %.1f", m.Name, float64(m.RSS)/1e6))
			}
		}
		if _, err := fmt.Fprintf(out, "%s, %d CPUs: %s\n", r.label(), r.Procs, strings.Join(parts, ", ")); err != nil {
			return err
		}
	}
	return nil
}

// writeJSON writes everything to a file, or to out where that is "-".
func writeJSON(name string, all *result, out io.Writer) error {
	if name == "" {
		return nil
	}
	js, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	js = append(js, '\n')
	if name == "-" {
		_, err = out.Write(js)
		return err
	}
	return os.WriteFile(name, js, 0o666)
}
