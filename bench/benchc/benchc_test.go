package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRun measures every workload for no time to speak of and reads what comes out.
func TestRun(t *testing.T) {
	program, dir := needProgram(t), t.TempDir()
	file, pictures := filepath.Join(dir, "bench.json"), filepath.Join(dir, "pictures")
	args := []string{"-program", program, "-peers", "none", "-rounds", "2", "-time", "20us", "-json", file, "-svg",
		pictures}
	var stdout, stderr strings.Builder
	if status := run(args, &stdout, &stderr); status != 0 {
		t.Fatalf("exit status %d: %s", status, stderr.String())
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var rep report
	if err := json.Unmarshal(text, &rep); err != nil {
		t.Fatal(err)
	}
	for _, w := range workloads {
		if !strings.Contains(stdout.String(), "\n"+w.name+": "+w.about) {
			t.Errorf("workload %s is not in the output:\n%s", w.name, stdout.String())
		}
		if _, err := os.Stat(filepath.Join(pictures, "bench-c-"+w.name+".svg")); err != nil {
			t.Error(err)
		}
		for _, c := range w.cases {
			for _, f := range w.figures {
				checkResult(t, &rep, w, c, f)
			}
		}
	}
	if rep.Rounds != 2 || rep.Machine.Cores < 1 || len(rep.Allocators) != 2 ||
		!strings.Contains(rep.Allocators["glibc"], "libc.") {
		t.Errorf("the file has %+v", rep)
	}
	if !strings.Contains(stdout.String(), "targets met: ") {
		t.Errorf("the output does not tell of the targets:\n%s", stdout.String())
	}
}

// checkResult checks that a line is there, with figures that can be.
func checkResult(t *testing.T, rep *report, w *workload, c *testcase, f *figure) {
	t.Helper()
	low, high := bounds(w, f)
	for _, r := range rep.Results {
		if r.Workload != w.name || r.Case != c.name || r.Figure != f.Name {
			continue
		}
		if len(r.Costs) != 2 || r.Costs[0].Allocator != "cmem" || r.Costs[1].Allocator != "glibc" || r.Best != "glibc" {
			t.Errorf("%+v: want cmem and glibc", r)
		}
		for _, cost := range r.Costs {
			if len(cost.Rounds) < 1 || cost.Median < low || cost.Median > high {
				t.Errorf("%s, %s, %s: %+v, want from %v to %v %s", w.name, c.name, f.Name, cost, low, high, f.Unit)
			}
		}
		if ratio := r.Costs[theGlibc].ToGlibc; ratio != nil && *ratio != 1 {
			t.Errorf("%s, %s, %s: glibc's ratio to itself is %v", w.name, c.name, f.Name, *ratio)
		}
		if r.Target != c.targets[f] || (r.Target > 0) != (r.Met != nil) {
			t.Errorf("%s, %s, %s: target %v, met %v", w.name, c.name, f.Name, r.Target, r.Met)
		}
		return
	}
	t.Errorf("%s, %s, %s is not in the file", w.name, c.name, f.Name)
}

// bounds are what a figure cannot leave on any machine.
func bounds(w *workload, f *figure) (low, high float64) {
	switch {
	case f == peakRSS && w.fresh:
		return 0.8 * onceBytes / 1e6, 3 * onceBytes / 1e6 // the kernel counts in batches
	case f == peakRSS && w.name == "hold":
		return 60, 2000 // 64 blocks of 1.5 MB
	case f == peakRSS, f == rssLeft:
		return 0.5, 2000
	case f == faults:
		return 0, 10000 // the pages of 25 MiB, and then some
	}
	return 0.1, 1e9 // times
}

// TestMissing measures without a library that is not there, and says so.
func TestMissing(t *testing.T) {
	cfg := &config{rounds: 1, time: time.Microsecond, program: needProgram(t), workloads: []*workload{workloads[0]},
		peers: []*allocator{{"none", "malloc", []string{"libnone.so"}, "libnone", "libnone1"}}}
	var stdout strings.Builder
	if err := measureAll(cfg, &stdout); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"note: none is not here", "16 MiB"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("the output lacks %q:\n%s", want, stdout.String())
		}
	}
}

// TestUsage gives flags that make no sense.
func TestUsage(t *testing.T) {
	tests := []struct {
		args   string
		status int
		want   string
	}{
		{"-rounds 0", exitUsage, "benchc: -rounds 0: expected 1 or more"},
		{"-time 0s", exitUsage, "benchc: -time 0s: expected a duration above 0"},
		{"-time fast", exitUsage, `"fast"`},
		{"-only pair,squeeze", exitUsage, `benchc: -only: there is no "squeeze"; expected some of pair,pair2,`},
		{"-peers jemalloc,dlmalloc", exitUsage,
			`benchc: -peers: there is no "dlmalloc"; expected some of jemalloc,mimalloc,tcmalloc`},
		{"-bogus", exitUsage, "-bogus"},
		{"pair", exitUsage, `benchc: argument "pair": there are flags only`},
		{"-program /nowhere/bench_alloc", 1, "benchc: /nowhere/bench_alloc is not there: make bench-c builds it"},
		{"-help", 0, "usage: make bench-c"},
	}
	for _, tt := range tests {
		var stdout, stderr strings.Builder
		status := run(strings.Fields(tt.args), &stdout, &stderr)
		if status != tt.status || !strings.Contains(stderr.String(), tt.want) || stdout.Len() > 0 {
			t.Errorf("%s: exit status %d, message %q, output %q, want %d and %q", tt.args, status, stderr.String(),
				stdout.String(), tt.status, tt.want)
		}
	}
}

func TestHelp(t *testing.T) {
	var stdout, stderr strings.Builder
	run([]string{"-help"}, &stdout, &stderr)
	for _, w := range workloads {
		if !strings.Contains(stderr.String(), "  "+w.name+" ") {
			t.Errorf("-help does not tell of %s", w.name)
		}
	}
}

func TestOnlyKeepsOrder(t *testing.T) {
	cfg, err := parse([]string{"-only", "pc,pair", "-peers", "tcmalloc,jemalloc"}, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	if got := names(cfg.workloads) + " " + names(cfg.peers); got != "pair,pc jemalloc,tcmalloc" {
		t.Errorf("chosen are %s", got)
	}
}

// TestOthers: what this program uses is not others' doing.
func TestOthers(t *testing.T) {
	before, after := account{wall: 10, machine: 100, own: 7}, account{wall: 14, machine: 108, own: 9}
	if got := after.othersSince(before); got != 1.5 {
		t.Errorf("others used %v CPUs, want 1.5: 8 s of the machine's, less 2 s of its own, in 4 s", got)
	}
	a, err := readAccount()
	if err != nil || a.machine <= 0 || a.own <= 0 || a.machine < a.own/2 {
		t.Errorf("account %+v, error %v", a, err)
	}
}

// TestRatios computes with figures that are easily divided.
func TestRatios(t *testing.T) {
	rounds := func(ns ...float64) (s []sample) {
		for _, v := range ns {
			s = append(s, sample{Ops: 10, NS: 10 * v, PeakRSS: v * 1e6, Faults: 0})
		}
		return s
	}
	third := &allocator{name: "third"}
	trial := &trial{
		&workload{name: "work", figures: []*figure{perOp, peakRSS, faults}},
		&testcase{name: "case", targets: map[*figure]float64{perOp: 0.5, peakRSS: 0.9}},
		[]*subject{{allocator: cmem}, {allocator: glibc}, {allocator: third}},
		[][]sample{rounds(1, 2, 8), rounds(10, 4, 8), rounds(2, 2, 2)},
	}
	lines := trial.results()
	if len(lines) != 3 {
		t.Fatalf("%d lines, want 3", len(lines))
	}
	// The rounds' ratios to glibc are 0.1, 0.5 and 1, to the third 0.5, 1 and 4.
	if r := lines[0]; r.Costs[theCmem].Median != 2 || *r.Costs[theCmem].ToGlibc != 0.5 || !*r.Met || r.Best != "third" ||
		*r.ToBest != 1 {
		t.Errorf("time: %+v", r)
	}
	// Peaks: the last round's.
	if r := lines[1]; r.Costs[theCmem].Median != 8 || *r.Costs[theCmem].ToGlibc != 1 || *r.Met || *r.ToBest != 4 {
		t.Errorf("peak RSS: %+v", r)
	}
	if r := lines[2]; r.Costs[theCmem].ToGlibc != nil || r.ToBest != nil || r.Met != nil {
		t.Errorf("page faults, of which there were none: %+v", r)
	}
	var out strings.Builder
	rep := report{Results: lines}
	if err := writeTable(&out, lines); err != nil {
		t.Fatal(err)
	}
	rep.conclude(&out)
	for _, want := range []string{"0.50 met", "0.90 MISSED", "targets met: 1 of 2",
		"missed: work, case, peak RSS: 1.00 > 0.90"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output lacks %q:\n%s", want, out.String())
		}
	}
}
