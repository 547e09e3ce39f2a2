package main

import (
	"math"
	"strings"
	"testing"
)

// MB of the samples below are whole.
const million = 1_000_000

func TestSummarize(t *testing.T) {
	samples := []sample{
		{seconds: 1, phase: steady, rss: 900 * million, live: 900 * million, cpu: 2},
		{seconds: 2, phase: steady, rss: 200 * million, live: 100 * million},
		{seconds: 3, phase: steady, rss: 400 * million, live: 140 * million, peakRSS: 910 * million,
			cpu: 5, gets: 30, makes: 20, tooSmall: 10, minorFaults: 7},
		{seconds: 3, phase: burst, rss: 1000 * million},
		{seconds: 4, phase: burst, rss: 1100 * million, peakRSS: 1200 * million, makes: 99},
		{seconds: 5, phase: after, rss: 1000 * million},
		{seconds: 6, phase: after, rss: 300 * million},
		{seconds: 7, phase: silence, rss: 250 * million},
		{seconds: 16, phase: silence, rss: 240 * million},
		{seconds: 17, phase: silence, rss: 230 * million},
		{seconds: 27, phase: silence, rss: 20 * million},
	}
	expect := row{
		mode: "m", live: 120, rss: 300, peak: 910, cpu: 90, gets: 30, makes: 20, tooSmall: 10, faults: 7,
		burstPeak: 1200, afterEnd: 300, quiet: 230, quietEnd: 20,
	}
	if r := summarize("m", samples); r != expect {
		t.Errorf("got      %+v\nexpected %+v", r, expect)
	}

	r := summarize("m", samples[:3])
	for _, v := range []float64{r.burstPeak, r.afterEnd, r.quiet, r.quietEnd} {
		if !math.IsNaN(v) {
			t.Errorf("%v for a phase that was not run, expected NaN", v)
		}
	}
	if r := summarize("m", samples[:len(samples)-2]); !math.IsNaN(r.quiet) || r.quietEnd != 240 {
		t.Errorf("%v and %v for a silence of 9 s, expected NaN and 240", r.quiet, r.quietEnd)
	}
}

func TestTable(t *testing.T) {
	lines := strings.Split(table([]row{
		{mode: "gc", live: 120, rss: 300, quiet: math.NaN()},
		{mode: "recycler-mended", live: 100, rss: 1100},
	}), "\n")
	if len(lines) != 5 || lines[4] != "" {
		t.Fatalf("expected a head, a rule and two lines, got %q", lines)
	}
	for _, line := range lines[:4] {
		if len(line) != len(lines[0]) || strings.Count(line, "|") != strings.Count(lines[0], "|") {
			t.Errorf("not in line:\n%s", strings.Join(lines, "\n"))
			break
		}
	}
	if !strings.HasPrefix(lines[2], "| gc              |") || !strings.Contains(lines[2], " 2.50 |") {
		t.Errorf("line of gc: %s", lines[2])
	}
}
