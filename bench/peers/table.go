package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/gocmem/cmem/bench/internal/bench"
)

// print writes the tables: one a workload and number of goroutines, then memory at rest, notes, and the summary.
func (r *report) print(out io.Writer) error {
	w := bufio.NewWriter(out)
	fmt.Fprintf(w, "%v\nns a buffer (of CPU time where goroutines are several); medians of %d rounds of %s, all in turn\n",
		r.Machine, r.Rounds, r.RoundTime)
	for _, info := range r.Workloads {
		for _, goroutines := range crowds {
			if results := r.of(info.Name, goroutines); len(results) > 0 {
				printWorkload(w, info, goroutines, results)
			}
		}
	}
	r.printRests(w)
	r.printControls(w)
	r.printVersions(w)
	for _, note := range r.Notes {
		fmt.Fprintf(w, "\nnote: %s\n", note)
	}
	r.printSummary(w)
	return w.Flush()
}

// of returns the results of a workload with so many goroutines, in the order of its cases.
func (r *report) of(workload string, goroutines int) []*result {
	var results []*result
	for i := range r.Results {
		if r.Results[i].Workload == workload && r.Results[i].Goroutines == goroutines {
			results = append(results, &r.Results[i])
		}
	}
	return results
}

func printWorkload(out io.Writer, info workloadInfo, goroutines int, results []*result) {
	name := info.Name
	if goroutines > 1 {
		name += fmt.Sprintf(", %d goroutines", goroutines)
	}
	fmt.Fprintf(out, "\n%s: %s\n", name, info.About)
	w := newTable(out)
	row := func(name string, cell func(*result) string) {
		fmt.Fprintf(w, "%s\t", name)
		for _, res := range results {
			fmt.Fprintf(w, "%s\t", cell(res))
		}
		fmt.Fprintln(w)
	}
	row("", func(res *result) string { return res.column() })
	for _, peer := range bySpeed(results) {
		row(peer, func(res *result) string { return nanoseconds(res.entry(peer)) })
	}
	row("cmem / sync.Pool", func(res *result) string { return quotient(res.entry(ours).ToPool) })
	row("cmem / fastest", func(res *result) string { return quotient(res.entry(ours).ToFastest) })
	row("fastest", func(res *result) string { return res.Fastest })
	row("cmem allocs", func(res *result) string { return fmt.Sprintf("%.3f", res.entry(ours).Allocs) })
	w.Flush()
}

func newTable(out io.Writer) *tabwriter.Writer {
	return tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
}

// bySpeed returns the names of all that took part, cmem first, then by the geometric mean of their ratios to cmem.
func bySpeed(results []*result) []string {
	logs := make(map[string][]float64)
	for _, res := range results {
		for _, e := range res.Entries {
			logs[e.Peer] = append(logs[e.Peer], math.Log(e.Ns/res.entry(ours).Ns))
		}
	}
	mean := func(peer string) float64 {
		if peer == ours {
			return math.Inf(-1)
		}
		var sum float64
		for _, v := range logs[peer] {
			sum += v
		}
		return sum / float64(len(logs[peer]))
	}
	var names []string
	for name := range logs {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(mean(a), mean(b)), strings.Compare(a, b))
	})
	return names
}

// nanoseconds has three digits or more.
func nanoseconds(e *entry) string {
	switch {
	case e == nil:
		return "-"
	case e.Ns < 100:
		return fmt.Sprintf("%.2f", e.Ns)
	}
	return fmt.Sprintf("%.0f", e.Ns)
}

func quotient(v float64) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3f", v)
}

// printRests has a line a process. Shares are of what the load added to the process, where that is more than noise.
func (r *report) printRests(out io.Writer) {
	if len(r.Rests) == 0 {
		return
	}
	const noise = 8 << 20
	fmt.Fprintf(out,
		"\nmemory at rest: MiB resident in a process that did hold for %s: before, at the most, and after %s of "+
			"silence;\nleft: how much of what came on top\n", r.RestLoad, r.Silence)
	w := newTable(out)
	fmt.Fprint(w, "sizes\tpeer\tbefore\tpeak\tafter\tleft\t\n")
	for _, rest := range r.Rests {
		left := "-"
		if rest.Peak-rest.Start > noise {
			left = fmt.Sprintf("%.0f %%", 100*rest.share())
		}
		fmt.Fprintf(w, "%s\t%s\t%.1f\t%.1f\t%.1f\t%s\t\n", rest.Case.column(), rest.Peer,
			float64(rest.Start)/(1<<20), float64(rest.Peak)/(1<<20), float64(rest.After)/(1<<20), left)
	}
	w.Flush()
}

// printControls says how far the processes of preloaded libraries may be compared with this one.
func (r *report) printControls(out io.Writer) {
	var ratios []float64
	for _, res := range r.Results {
		for _, c := range res.Controls {
			ratios = append(ratios, c.ToPool)
		}
	}
	if len(ratios) == 0 {
		return
	}
	slices.Sort(ratios)
	fmt.Fprintf(out,
		"\ncontrol: the bare sync.Pool in the processes with a preloaded library took %.2f times as long as in the main one"+
			" (median; half of the cases: %.2f to %.2f)\n", bench.Median(ratios), ratios[len(ratios)/4], ratios[len(ratios)*3/4])
}

// printVersions names the modules.
func (r *report) printVersions(out io.Writer) {
	var versions []string
	for _, p := range r.Peers {
		if p.Module != "" {
			versions = append(versions, p.Module+" "+p.Version)
		}
	}
	if len(versions) > 0 {
		fmt.Fprintf(out, "\nversions: %s\n", strings.Join(versions, ", "))
	}
}

// printSummary has a line a case of one goroutine.
func (r *report) printSummary(out io.Writer) {
	fmt.Fprintf(out, "\nSummary: ns a buffer, one goroutine; ratios below 1: cmem is faster\n\n%v\n", r.Machine)
	w := newTable(out)
	fmt.Fprint(w, "workload\tsize\tcmem\tsync.Pool\tratio\tbest other\tits ns\tratio\t\n")
	for i := range r.Results {
		res := &r.Results[i]
		if res.Goroutines > 1 {
			continue
		}
		name, ns, to := res.bestOther()
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", res.Workload, res.column(), nanoseconds(res.entry(ours)),
			nanoseconds(res.entry(bare)), quotient(res.entry(ours).ToPool), name, ns, to)
	}
	w.Flush()
}

// bestOther is the fastest that is neither cmem nor the bare sync.Pool, its time, and cmem's ratio to it.
func (res *result) bestOther() (name, ns, to string) {
	for i := range res.Entries { // sorted
		if e := &res.Entries[i]; e.Peer != ours && e.Peer != bare {
			return e.Peer, nanoseconds(e), quotient(ratio(res.entry(ours).Rounds, e))
		}
	}
	return "-", "-", "-"
}
