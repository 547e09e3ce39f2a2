package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/gocmem/cmem/bench/internal/bench"
)

// A report is what -json writes.
type report struct {
	Machine    bench.Host        `json:"machine"`
	Allocators map[string]string `json:"allocators"` // and the library that malloc came from
	Notes      []string          `json:"notes,omitempty"`
	Rounds     int               `json:"rounds"`
	RoundTime  string            `json:"round_time"`
	Others     float64           `json:"others"` // CPUs that other processes used meanwhile, on average
	Results    []result          `json:"results"`
}

// A result is a line of a table.
type result struct {
	Workload string   `json:"workload"`
	Case     string   `json:"case"`
	Args     []string `json:"args"` // of the measured program
	Figure   string   `json:"figure"`
	Unit     string   `json:"unit"`
	Costs    []cost   `json:"costs"`
	Best     string   `json:"best"` // the best of the others
	ToBest   *float64 `json:"cmem_to_best"`
	Target   float64  `json:"target,omitempty"` // cmem's ratio to glibc, at most
	Met      *bool    `json:"met,omitempty"`
}

// A cost is an allocator's. The ratio is the median of the rounds' ratios, null where glibc's figure is 0.
type cost struct {
	Allocator string    `json:"allocator"`
	Median    float64   `json:"median"`
	ToGlibc   *float64  `json:"to_glibc"`
	Rounds    []float64 `json:"rounds"`
}

// results are the lines of a case.
func (t *trial) results() (all []result) {
	for _, f := range t.figures {
		best := t.best(f)
		r := result{Workload: t.workload.name, Case: t.testcase.name, Args: t.args(), Figure: f.Name, Unit: f.Unit,
			Best: t.subjects[best].name, ToBest: t.ratio(f, theCmem, best), Target: t.targets[f]}
		for i, s := range t.subjects {
			r.Costs = append(r.Costs, cost{s.name, t.median(f, i), t.ratio(f, i, theGlibc), t.values(f, i)})
		}
		if ratio := r.Costs[theCmem].ToGlibc; r.Target > 0 && ratio != nil {
			met := *ratio <= r.Target
			r.Met = &met
		}
		all = append(all, r)
	}
	return all
}

// measureAll measures all that was asked for. Each workload's table is printed when it is done.
func measureAll(cfg *config, stdout io.Writer) error {
	subjects, notes, err := present(cfg)
	if err != nil {
		return err
	}
	rep := report{Machine: bench.ThisHost(), Allocators: map[string]string{}, Notes: notes, Rounds: cfg.rounds,
		RoundTime: cfg.time.String()}
	for _, s := range subjects {
		rep.Allocators[s.name] = s.Library
	}
	rep.head(stdout)
	before, err := readAccount()
	if err != nil {
		return err
	}
	for _, w := range cfg.workloads {
		trials := make([]*trial, len(w.cases))
		for i, c := range w.cases {
			if trials[i], err = measure(cfg, w, c, subjects); err != nil {
				return fmt.Errorf("%s, %s: %w", w.name, c.name, err)
			}
		}
		if err := rep.add(cfg, w, trials, stdout); err != nil {
			return err
		}
	}
	after, err := readAccount()
	if err != nil {
		return err
	}
	rep.Others = after.othersSince(before)
	rep.conclude(stdout)
	return bench.WriteJSON(cfg.json, rep)
}

func (rep *report) head(w io.Writer) {
	m := rep.Machine
	fmt.Fprintf(w, "%s, %d cores, %s/%s, kernel %s\n", m.CPU, m.Cores, m.OS, m.Arch, m.Kernel)
	for _, note := range rep.Notes {
		fmt.Fprintln(w, "note:", note)
	}
	fmt.Fprintf(w,
		"medians of %d rounds of %s; ratios: medians of the rounds' ratios, below 1 cmem is better; best: of the others\n",
		rep.Rounds, rep.RoundTime)
}

// add takes the trials of a workload in: its table, its picture.
func (rep *report) add(cfg *config, w *workload, trials []*trial, stdout io.Writer) error {
	var lines []result
	for _, t := range trials {
		lines = append(lines, t.results()...)
	}
	rep.Results = append(rep.Results, lines...)
	fmt.Fprintf(stdout, "\n%s: %s\n", w.name, w.about)
	if err := writeTable(stdout, lines); err != nil || cfg.svg == "" {
		return err
	}
	return draw(filepath.Join(cfg.svg, "bench-c-"+w.name+".svg"), w, trials)
}

func writeTable(out io.Writer, lines []result) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "blocks\tfigure\t")
	for _, c := range lines[0].Costs {
		fmt.Fprintf(w, "%s\t", c.Allocator)
	}
	fmt.Fprintln(w, "cmem/glibc\ttarget\tcmem/best\tbest\t")
	for _, r := range lines {
		fmt.Fprintf(w, "%s\t%s, %s\t", r.Case, r.Figure, r.Unit)
		for _, c := range r.Costs {
			fmt.Fprintf(w, "%s\t", number(c.Median))
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t\n", ratio(r.Costs[theCmem].ToGlibc), r.verdict(), ratio(r.ToBest), r.Best)
	}
	return w.Flush()
}

// number writes a figure with three digits at least.
func number(v float64) string {
	switch {
	case v < 10:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v < 100:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

func ratio(r *float64) string {
	if r == nil {
		return "-"
	}
	return strconv.FormatFloat(*r, 'f', 2, 64)
}

// verdict is the target and whether it was met.
func (r *result) verdict() string {
	switch {
	case r.Met == nil:
		return ""
	case *r.Met:
		return fmt.Sprintf("%.2f met", r.Target)
	}
	return fmt.Sprintf("%.2f MISSED", r.Target)
}

// conclude tells how busy the machine was besides, how many targets were met, and which were not.
func (rep *report) conclude(w io.Writer) {
	var met, all int
	var missed []string
	for _, r := range rep.Results {
		switch {
		case r.Met == nil:
			continue
		case *r.Met:
			met++
		default:
			missed = append(missed, fmt.Sprintf("%s, %s, %s: %s > %.2f", r.Workload, r.Case, r.Figure,
				ratio(r.Costs[theCmem].ToGlibc), r.Target))
		}
		all++
	}
	fmt.Fprintf(w, "\nother processes used %.2f CPUs meanwhile\n", rep.Others)
	if all == 0 {
		return
	}
	fmt.Fprintf(w, "targets met: %d of %d\n", met, all)
	if len(missed) > 0 {
		fmt.Fprintln(w, "missed: "+strings.Join(missed, "; "))
	}
}
