package main

import (
	"strconv"

	"github.com/gocmem/cmem/bench/internal/bench"
)

// A figure is what is told of a round.
type figure struct {
	Name string
	Unit string
	of   func(s sample) float64
	last bool // of the last round only: it can but grow
	time bool // never 0, and of many magnitudes
}

var (
	perOp = &figure{Name: "time", Unit: "ns/op", of: func(s sample) float64 { return s.NS / float64(s.Ops) },
		time: true}
	perThread = &figure{Name: "time", Unit: "ns/thread", of: perOp.of, time: true}
	peakRSS   = &figure{Name: "peak RSS", Unit: "MB", of: func(s sample) float64 { return s.PeakRSS / 1e6 }, last: true}
	rssLeft   = &figure{Name: "RSS left", Unit: "MB", of: func(s sample) float64 { return s.RSS / 1e6 }}
	faults    = &figure{Name: "page faults", Unit: "per op",
		of: func(s sample) float64 { return s.Faults / float64(s.Ops) }}
)

// A workload is a table.
type workload struct {
	name    string
	about   string
	run     string // what the measured program calls it
	figures []*figure
	cases   []*testcase
	// alike: all allocators run as many operations as take glibc a round's time, so that their peaks can be compared;
	// otherwise each runs as many as take itself that time.
	alike bool
	// fresh: a new process for each round.
	fresh bool
	// stretch: a round is so many times as long as -time says, as its operations are long and differ; 0 is 1.
	stretch int
	// warm: operations that go before everything, until the heap has found its size.
	warm int
}

func (w *workload) title() string { return w.name }

// A testcase is a workload with certain blocks.
type testcase struct {
	name    string
	size    int // of the blocks, where that is what the cases differ in
	args    []string
	ops     int                 // of every round; 0: as many as take its time
	targets map[*figure]float64 // cmem's ratio to glibc, at most
}

// onceBytes is what the workload once allocates.
const onceBytes = 64 << 20

// powers4 are the powers of four from low to high.
func powers4(low, high int) (sizes []int) {
	for n := low; n <= high; n *= 4 {
		sizes = append(sizes, n)
	}
	return sizes
}

// bySize makes a case of each size; target tells cmem's ratio to glibc for the time, 0 for none.
func bySize(sizes []int, target func(size int) float64, args ...string) (cases []*testcase) {
	for _, n := range sizes {
		c := &testcase{name: bench.SizeName(n), size: n, args: append([]string{"--size", strconv.Itoa(n)}, args...)}
		if t := target(n); t > 0 {
			c.targets = map[*figure]float64{perOp: t}
		}
		cases = append(cases, c)
	}
	return cases
}

func none(int) float64 { return 0 }

// pairTarget: cmem marks each block as live or free, glibc marks nothing; above its own caches
// glibc searches and merges.
func pairTarget(size int) float64 {
	switch {
	case size <= 1<<10:
		return 1.2
	case size >= 64<<10:
		return 1
	}
	return 0
}

func onceCases() []*testcase {
	cases := bySize([]int{64, 4 << 10, 64 << 10, 1 << 20}, none, "--pages")
	for _, c := range cases {
		c.ops = onceBytes / c.size
	}
	return cases
}

// large makes a case with 4 live blocks of 5 to 25 MiB.
func large(name string, args ...string) *testcase {
	args = append([]string{"--live", "4", "--min", strconv.Itoa(5 << 20), "--max", strconv.Itoa(25 << 20)}, args...)
	return &testcase{name: name, args: args, targets: map[*figure]float64{perOp: 1}}
}

// bodySizes are those of turn and hold.
var bodySizes = []string{"--min", "10000", "--max", "3000000"}

// turnCases: glibc has the end of its heap for the block, whatever the size, as long as nobody else allocates.
func turnCases() []*testcase {
	return []*testcase{
		{name: "first byte written", args: bodySizes, targets: map[*figure]float64{perOp: 2}},
		{name: "every page written", args: append([]string{"--pages"}, bodySizes...), targets: map[*figure]float64{perOp: 1}},
	}
}

func holdCases() (cases []*testcase) {
	for _, n := range []string{"1", "2", "8"} {
		cases = append(cases, &testcase{name: n + " threads", targets: map[*figure]float64{perOp: 0.5, peakRSS: 0.5},
			args: append([]string{"--live", "64", "--pages", "--threads", n}, bodySizes...)})
	}
	cases[0].name = "1 thread"
	return cases
}

func churnCases() (cases []*testcase) {
	for _, n := range []string{"1", "2", "8"} {
		cases = append(cases, &testcase{name: n + " at a time", args: []string{"--threads", n}})
	}
	return cases
}

var (
	few     = []int{64, 1 << 10, 16 << 10, 64 << 10, 1 << 20}
	onlyNS  = []*figure{perOp}
	withRSS = []*figure{perOp, peakRSS, faults}
)

var workloads = []*workload{
	{name: "pair", run: "pair", figures: onlyNS, cases: bySize(powers4(16, 16<<20), pairTarget),
		about: "one block at a time is allocated, its first byte written, and freed"},
	{name: "pair2", run: "pair", figures: onlyNS, cases: bySize(few, none, "--threads", "2"),
		about: "the same in 2 threads at once; time over the operations of both"},
	{name: "pair8", run: "pair", figures: onlyNS, cases: bySize(few, none, "--threads", "8"),
		about: "the same in 8 threads at once; time over the operations of all"},
	{name: "turn", run: "turn", figures: []*figure{perOp, faults}, warm: 1000, cases: turnCases(),
		about: "one block at a time, each of a random size from 10 KB to 3 MB, is allocated, written to, and freed"},
	{name: "turn64", run: "hold", figures: []*figure{perOp, faults}, alike: true, stretch: 3, warm: 3000,
		cases: []*testcase{{name: "first byte written", targets: map[*figure]float64{perOp: 1},
			args: append([]string{"--live", "64"}, bodySizes...)}},
		about: "64 live blocks of 10 KB to 3 MB, replaced at random, first byte written"},
	{name: "once", run: "once", figures: withRSS, cases: onceCases(), fresh: true,
		about: "64 MiB of blocks that are never freed, every page written: the cost of fresh memory"},
	{name: "hold", run: "hold", figures: withRSS, alike: true, stretch: 3, warm: 3000, cases: holdCases(),
		about: "64 live blocks of 10 KB to 3 MB (96 MB at a time, on average), replaced at random, every page written"},
	{name: "large", run: "hold", figures: withRSS, alike: true, stretch: 3, warm: 100,
		cases: []*testcase{large("every page written", "--pages"), large("first byte written")},
		about: "4 live blocks of 5 to 25 MiB, random in size, replaced at random"},
	{name: "pc", run: "pc", figures: onlyNS,
		cases: bySize([]int{64, 1 << 10, 4 << 10, 64 << 10}, func(int) float64 { return 0.6 }),
		about: "producer and consumer: one thread allocates and writes the first byte, another, on another CPU, frees"},
	{name: "churn", run: "churn", figures: []*figure{perThread, rssLeft}, cases: churnCases(),
		about: "threads that start, allocate 300 blocks of 16 B to 8 KiB, free them and end; and what stays resident"},
}
