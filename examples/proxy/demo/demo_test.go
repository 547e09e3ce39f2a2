package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gocmem/cmem/examples/proxy/internal/report"
	"github.com/gocmem/cmem/examples/proxy/internal/status"
)

// testTrial is a trial with round numbers: two seconds before the load, three of
// load, two of silence.
func testTrial() *trial {
	began := time.Unix(1000, 0)
	t := &trial{
		alloc: "make", store: "memcached 1.2.3",
		report: &report.Report{
			Began: began.Add(2 * time.Second), Ended: began.Add(5 * time.Second),
			OpsPerSec: 5000, All: report.Latency{P99: 12}, Hits: 99, MinBody: 10 << 10, MaxBody: 3 << 20, MeanBody: 100 << 10,
			Connections: 7, Seed: 42, Corpus: report.Corpus{Files: 3},
		},
		before: &status.Snapshot{Go: status.Go{GCCycles: 10, GCCPUSeconds: 1, BusyCPUSeconds: 10}},
		after:  &status.Snapshot{Go: status.Go{GCCycles: 25, GCCPUSeconds: 2, BusyCPUSeconds: 14}},
	}
	for _, s := range []struct {
		seconds   float64
		rss, live int64 // MiB
	}{
		{0.5, 10, 0}, {2.5, 400, 1}, // before the load, and in its warm-up
		{3.5, 100, 40}, {4.5, 200, 60},
		{5.5, 150, 0}, {6.5, 30, 0}, // silence
	} {
		t.samples = append(t.samples, sample{began.Add(time.Duration(s.seconds * float64(time.Second))), uint64(s.rss * mib),
			s.live * mib})
	}
	return t
}

func TestSumUp(t *testing.T) {
	want := row{
		Alloc: "make", PeakRSS: 400 * mib, MeanLive: 50 * mib, RSSByLive: 3, RSSAfter: 30 * mib,
		OpsPerSec: 5000, P99: 12, GCCycles: 15, GCShare: 0.25, VerifiedValues: 99,
	}
	if got := testTrial().sumUp(); got != want {
		t.Errorf("sumUp() = %+v\nwant      %+v", got, want)
	}
}

func TestTable(t *testing.T) {
	tr := testTrial()
	about := caption(&options{load: 3 * time.Second, silence: 2 * time.Second}, tr)
	var out strings.Builder
	if err := writeTable(&out, about, []row{tr.sumUp()}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		" CPUs, go", "memcached 1.2.3", "bodies of 10k to 3m, mean 100k", "3 real files", "7 connections", "seed 42",
		"2s of silence",
		"400.0", "50.0", "3.00", "30.0", "5000", "25.00 %",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, &out)
		}
	}
}

// TestChartCountsFromTheLoad draws two trials that differ in how long it took until their loads
// began: the two have the same lines.
func TestChartCountsFromTheLoad(t *testing.T) {
	lines := func(waited time.Duration) string {
		tr := testTrial()
		for i := range tr.samples {
			tr.samples[i].at = tr.samples[i].at.Add(waited)
		}
		tr.report.Began, tr.report.Ended = tr.report.Began.Add(waited), tr.report.Ended.Add(waited)
		file := filepath.Join(t.TempDir(), "rss.svg")
		if err := drawChart(file, nil, 3*time.Second, []*trial{tr}); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	if lines(0) != lines(3*time.Second) {
		t.Error("the picture changes where a proxy's load begins later")
	}
}

// TestChart looks for the lines' names in a file that is well-formed.
func TestChart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rss.svg")
	if err := drawChart(file, []string{"a caption"}, 3*time.Second, []*trial{testTrial()}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<svg", "make: RSS", "make: live bodies", "load begins, ends",
		"seconds since the load began", "a caption"} {
		if !strings.Contains(string(data), want) {
			t.Errorf("the chart lacks %q", want)
		}
	}
	d := xml.NewDecoder(strings.NewReader(string(data)))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the chart is no XML: %v", err)
		}
	}
}
