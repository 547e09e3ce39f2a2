//go:build linux

package study

import (
	"testing"

	"github.com/gocmem/cmem/go/vsz"
)

// run makes a run of a program: KiB of two kinds, which are all of it.
func run(heap, arenas uint64, startup float64) *vsz.VariantReport {
	row := vsz.NewVariantReport(vsz.Variant{Name: "v"})
	row.Kinds = []vsz.KindUsage{
		{Kind: vsz.GoHeap, VSZKiB: heap, RSSKiB: heap / 100}, {Kind: vsz.GlibcArenas, VSZKiB: arenas, RSSKiB: arenas / 1000},
	}
	row.VSZKiB, row.RSSKiB, row.StartupMS = heap+arenas, heap/100+arenas/1000, startup
	return &row
}

func TestTypicalIsNoOutlier(t *testing.T) {
	for name, rows := range map[string][]*vsz.VariantReport{
		"one":             {run(65536, 262144, 2)},
		"two heap arenas": {run(131072, 262144, 2), run(65536, 262144, 3), run(65536, 262144, 1)},
		"a thread more":   {run(65536, 262144, 1), run(65536, 327680, 2), run(65536, 262144, 3)},
		"both, in two of 5": {run(131072, 262144, 2), run(65536, 327680, 2), run(65536, 262144, 5), run(65536, 262144, 1),
			run(65536, 262144, 1)},
		"of two, the lesser": {run(131072, 262144, 2), run(65536, 262144, 4)},
	} {
		got := typical(rows)
		if heap, arenas := got.Kind(vsz.GoHeap).VSZKiB, got.Kind(vsz.GlibcArenas).VSZKiB; heap != 65536 || arenas != 262144 {
			t.Errorf("%s: heap of %d and arenas of %d KiB, expected 65536 and 262144", name, heap, arenas)
		}
		if got.StartupMS != 2 {
			t.Errorf("%s: start-up in %v ms, expected the median, 2", name, got.StartupMS)
		}
		if got.VSZRangeKiB[0] > got.VSZKiB || got.VSZRangeKiB[1] < rows[0].VSZKiB || len(rows) == 1 &&
			got.RSSRangeKiB != [2]uint64{got.RSSKiB, got.RSSKiB} {
			t.Errorf("%s: the ranges are %d and %d", name, got.VSZRangeKiB, got.RSSRangeKiB)
		}
		if got.VSZKiB != 65536+262144 {
			t.Errorf("%s: VSZ %d, which is not the sum of its kinds", name, got.VSZKiB)
		}
	}
}

// TestTypicalKeepsAnswers: the first run alone was asked for its resolver and its system calls.
func TestTypicalKeepsAnswers(t *testing.T) {
	first := run(131072, 0, 1)
	first.Resolver, first.ResolverBy, first.Syscalls = "cgo", "a line", map[string]int64{"mmap": 3}
	first.NetLines = []string{"a line"}
	got := typical([]*vsz.VariantReport{first, run(65536, 0, 1), run(65536, 0, 1)})
	if got.Kind(vsz.GoHeap).VSZKiB != 65536 {
		t.Fatal("the outlier was chosen")
	}
	if got.Resolver != "cgo" || got.ResolverBy != "a line" || got.Syscalls["mmap"] != 3 || len(got.NetLines) != 1 {
		t.Errorf("resolver %q by %q (%q), syscalls %v: expected those of the first run", got.Resolver, got.ResolverBy,
			got.NetLines, got.Syscalls)
	}
}
