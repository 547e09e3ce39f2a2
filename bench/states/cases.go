package main

import (
	"fmt"

	"github.com/gocmem/cmem/bench/internal/bench"
)

// A testcase is measured in several processes. It goes to them as JSON.
type testcase struct {
	Measurement string `json:"measurement"`
	State       string `json:"state,omitempty"`      // of pair
	Goroutines  int    `json:"goroutines,omitempty"` // of pair
	Size        int    `json:"size,omitempty"`       // bytes of a buffer
	Low         int    `json:"low,omitempty"`        // of hold: sizes are from Low to High, all as likely
	High        int    `json:"high,omitempty"`
	Depth       int    `json:"depth,omitempty"` // of queue
	Fill        bool   `json:"fill,omitempty"`  // of queue
}

// A measurement has a table.
type measurement struct {
	name, about string
	cases       func() []testcase
	sides       func(testcase) []side // cmem's and the pool's
	missed      func(*result) bool    // whether cmem takes more than it is to
	expected    string                // which is this
}

var measurements = []*measurement{
	{
		name: "pair",
		about: "2 or 8 goroutines each take a buffer, write its first byte and give it back, in a process that has been " +
			"brought into a state;\n" +
			"         beside a bare sync.Pool",
		cases: pairCases, sides: pairSides, missed: pairMissed,
		expected: fmt.Sprintf("the median of the processes at most %.2f, the slowest %.2f", pairMedian, pairSlowest),
	},
	{
		name: "queue",
		about: "one goroutine takes buffers and sends them through a channel, another one gives them back; they only do " +
			"that, or the one\n" +
			"         fills and the other reads them; beside a bare sync.Pool",
		cases: queueCases, sides: queueSides, missed: queueMissed,
		expected: fmt.Sprintf("the geometric mean at most %.2f, the interval's end %.2f", queueMean, queueEnd),
	},
	{
		name: "hold",
		about: fmt.Sprintf("one of %d live buffers is given back and one of random size taken, a byte of every page "+
			"written; beside a classed sync.Pool", live),
		cases: holdCases, sides: holdSides, missed: holdMissed,
		expected: fmt.Sprintf("the geometric mean at most %.2f for the short ones, %.2f for the others", holdShort, holdLong),
	},
}

// What is expected of cmem, as a multiple of the pool's CPU time.
const (
	pairMedian  = 0.85
	pairSlowest = 1.0
	queueMean   = 1.0
	queueEnd    = 1.05
	holdShort   = 0.55
	holdLong    = 1.0

	shortest = 32 << 10 // to this bound buffers of hold are short
)

func pairMissed(r *result) bool  { return r.Median > pairMedian || r.Slowest > pairSlowest }
func queueMissed(r *result) bool { return r.Ratio.Mean > queueMean || r.Ratio.High > queueEnd }

func holdMissed(r *result) bool {
	if r.High <= shortest {
		return r.Ratio.Mean > holdShort
	}
	return r.Ratio.Mean > holdLong
}

// pairSizes are those of pair, and those that its states are made with.
var pairSizes = []int{64, 4 << 10, 100_000, 1 << 20, 8 << 20}

func pairCases() (all []testcase) {
	for _, goroutines := range []int{2, 8} {
		for _, s := range states {
			for _, size := range pairSizes {
				all = append(all, testcase{State: s.name, Goroutines: goroutines, Size: size})
			}
		}
	}
	return all
}

func queueCases() (all []testcase) {
	for _, fill := range []bool{false, true} {
		for _, size := range []int{4 << 10, 100_000, 1 << 20} {
			for _, depth := range []int{1, 16, 256, 1024} {
				all = append(all, testcase{Size: size, Depth: depth, Fill: fill})
			}
		}
	}
	return all
}

func holdCases() []testcase {
	return []testcase{{Low: 64, High: 32 << 10}, {Low: 10_000, High: 3_000_000}, {Low: 5_000_000, High: 10_000_000}}
}

// row and column are the case's place in the table.
func (tc *testcase) row() string {
	switch tc.Measurement {
	case "pair":
		return fmt.Sprintf("%d goroutines, %s", tc.Goroutines, tc.State)
	case "queue":
		if tc.Fill {
			return bench.SizeName(tc.Size) + ", filled and read"
		}
		return bench.SizeName(tc.Size)
	}
	return ""
}

func (tc *testcase) column() string {
	switch tc.Measurement {
	case "pair":
		return bench.SizeName(tc.Size)
	case "queue":
		return fmt.Sprintf("depth %d", tc.Depth)
	}
	return bench.SizeName(tc.Low) + " to " + bench.SizeName(tc.High)
}
