package main

import (
	"slices"
	"strings"
	"testing"
)

func rounds(ns ...float64) []sample {
	var all []sample
	for _, v := range ns {
		all = append(all, sample{Ns: v})
	}
	return all
}

// exampleResult has rounds whose medians and whose ratios' medians differ: the second of three was slow for all.
func exampleResult() result {
	return newResult(workloads[0].cases[0], []entry{
		{Peer: "make", Rounds: rounds(1000, 3000, 2000)},
		{Peer: bare, Rounds: rounds(20, 60, 16)},
		{Peer: ours, Rounds: rounds(10, 15, 12)},
		{Peer: "mcache", Rounds: rounds(15, 30, 24)},
	}, []control{{Library: "lib.so", Rounds: rounds(22, 60, 8)}})
}

func TestNewResult(t *testing.T) {
	r := exampleResult()
	if r.Fastest != bare {
		t.Errorf("the fastest is %s, want %s: 20 ns in the median", r.Fastest, bare)
	}
	want := []entry{
		{Peer: ours, Ns: 12, ToPool: 0.5, ToFastest: 0.5},
		{Peer: bare, Ns: 20, ToPool: 1, ToFastest: 1},
		{Peer: "mcache", Ns: 24, ToPool: 0.75, ToFastest: 0.75},
		{Peer: "make", Ns: 2000, ToPool: 50, ToFastest: 50},
	}
	if !slices.EqualFunc(r.Entries, want, func(a, b entry) bool {
		return a.Peer == b.Peer && a.Ns == b.Ns && a.ToPool == b.ToPool && a.ToFastest == b.ToFastest
	}) {
		t.Errorf("entries\n%+v, want\n%+v", r.Entries, want)
	}
	if r.Controls[0].ToPool != 1 {
		t.Errorf("control %+v, want 1 times the pool", r.Controls[0])
	}
}

// TestTables reads single lines of what is printed.
func TestTables(t *testing.T) {
	var out strings.Builder
	rep := report{
		Peers:     []peerInfo{{Name: "make"}, {Name: "mcache", Module: "example.com/mcache", Version: "v1.2.3"}},
		Workloads: []workloadInfo{{"pair", "about it"}},
		Results:   []result{exampleResult()},
		Rests: []rest{
			{Case: ranged("hold", 64, 4<<10), Peer: "small", Start: 10 << 20, Peak: 12 << 20, After: 12 << 20},
			{Case: ranged("hold", 64, 4<<10), Peer: "half", Start: 10 << 20, Peak: 30 << 20, After: 20 << 20},
		},
		Notes: []string{"something is missing"},
	}
	if err := rep.print(&out); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(out.String()) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	at := 0
	for _, want := range []string{
		"pair: about it", "64 B", "cmem 12.00", "sync.Pool 20.00", "mcache 24.00", "make 2000",
		"cmem / sync.Pool 0.500", "cmem / fastest 0.500", "fastest sync.Pool", "cmem allocs 0.000",
		"64 B-4 KiB small 10.0 12.0 12.0 -", "64 B-4 KiB half 10.0 30.0 20.0 50 %",
		"control: the bare sync.Pool in the processes with a preloaded library took 1.00 times as long as in the main one " +
			"(median; half of the cases: 1.00 to 1.00)",
		"versions: example.com/mcache v1.2.3", "note: something is missing", "pair 64 B 12.00 20.00 0.500 mcache 24.00 0.500",
	} {
		i := slices.Index(lines[at:], want)
		if i < 0 {
			t.Fatalf("there is no line %q where it should be in\n%s", want, &out)
		}
		at += i + 1
	}
}
