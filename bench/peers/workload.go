package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gocmem/cmem/bench/internal/bench"
)

// A workload is a way to use buffers. What an operation is, it says; ns are those of one operation.
type workload struct {
	name  string
	about string
	cases []workCase
	// open returns what makes a peer's session of a case; nil where the peer takes no part.
	open func(l *loops, c workCase) func() session
}

// A workCase is one column of a workload's table. It goes to child processes as JSON.
type workCase struct {
	Workload   string `json:"workload"`
	Size       int    `json:"size,omitempty"` // of all buffers, in bytes; 0 where they have many
	Low        int    `json:"low,omitempty"`  // sizes are random, from Low to High
	High       int    `json:"high,omitempty"`
	Goroutines int    `json:"goroutines"`      // that run the loop, each a share of the operations
	Procs      int    `json:"procs,omitempty"` // GOMAXPROCS while it runs; 0: as it is
}

var (
	// sizes are those of pair, touch, hand-off and handle.
	sizes = []int{64, 1 << 10, 10 << 10, 64 << 10, 256 << 10, 1 << 20, 8 << 20}
	// crowds are how many goroutines do pair; the first is all others' number.
	crowds = []int{1, 2, 8}
)

var workloads = []*workload{
	{
		name:  "pair",
		about: "a buffer is taken, its first byte written, and given back",
		cases: slices.Concat(ofSizes("pair", crowds[0], 0), ofSizes("pair", crowds[1], 0), ofSizes("pair", crowds[2], 0)),
		open:  bySize(func(l *loops) func(int) session { return l.pair }),
	},
	{
		name:  "touch",
		about: "a buffer is taken, a byte of each cache line written, and given back",
		cases: ofSizes("touch", 1, 0),
		open:  bySize(func(l *loops) func(int) session { return l.touch }),
	},
	{
		name: "hold",
		about: fmt.Sprintf("one of %d live buffers is given back and another of random size taken, its first and last "+
			"byte written", held),
		cases: held3("hold"),
		open:  holding(onlyEnds),
	},
	{
		name:  "hold-pages",
		about: "as hold, a byte of each page written",
		cases: held3("hold-pages"),
		open:  holding(everyPage),
	},
	{
		name: "hand-off",
		about: fmt.Sprintf("a buffer is taken by one goroutine and given back by another; at most %d in a ring between "+
			"them, GOMAXPROCS 2", ringSize),
		cases: ofSizes("hand-off", 1, 2),
		open:  bySize(func(l *loops) func(int) session { return l.handoff }),
	},
	{
		name: "burst",
		about: fmt.Sprintf("%d buffers of random sizes are taken, first and last byte written, then all given back; the "+
			"time is one buffer's", bursting),
		cases: []workCase{ranged("burst", 4<<10, 64<<10)},
		open:  byRange(bursting, func(l *loops) func([]int) session { return l.burst }),
	},
	{
		name:  "handle",
		about: "as pair, with an owner that gives the buffer back should it be lost",
		cases: ofSizes("handle", 1, 0),
		open:  bySize(func(l *loops) func(int) session { return l.handle }),
	},
	{
		name: "arena",
		about: fmt.Sprintf("%d buffers of random sizes are taken, first byte written, then all given back at once; the "+
			"time is one buffer's", served),
		cases: []workCase{ranged("arena", 16, 256)},
		open:  byRange(served, func(l *loops) func([]int) session { return l.arena }),
	},
}

func ofSizes(name string, goroutines, procs int) []workCase {
	var cases []workCase
	for _, size := range sizes {
		cases = append(cases, workCase{Workload: name, Size: size, Goroutines: goroutines, Procs: procs})
	}
	return cases
}

// held3 are the ranges of hold.
func held3(name string) []workCase {
	return []workCase{ranged(name, 64, 4<<10), ranged(name, 4<<10, 256<<10), ranged(name, 256<<10, 4<<20)}
}

func ranged(name string, low, high int) workCase {
	return workCase{Workload: name, Low: low, High: high, Goroutines: 1}
}

// bySize opens sessions of makers that want the one size.
func bySize(maker func(*loops) func(int) session) func(*loops, workCase) func() session {
	return func(l *loops, c workCase) func() session {
		open := maker(l)
		if open == nil {
			return nil
		}
		return func() session { return open(c.Size) }
	}
}

// holding opens sessions of hold.
func holding(stride int) func(*loops, workCase) func() session {
	return func(l *loops, c workCase) func() session {
		if l.hold == nil {
			return nil
		}
		return func() session { return l.hold(newSteps(c.Low, c.High), stride) }
	}
}

// byRange opens sessions of makers that want n sizes.
func byRange(n int, maker func(*loops) func([]int) session) func(*loops, workCase) func() session {
	return func(l *loops, c workCase) func() session {
		open := maker(l)
		if open == nil {
			return nil
		}
		return func() session { return open(newSizes(n, c.Low, c.High)) }
	}
}

// opener returns what makes p's session of the case; nil where p takes no part in it.
func (c workCase) opener(p *peer) func() session {
	several := c.High > 0
	if several && p.fixed || p.size > 0 && p.size != c.Size {
		return nil
	}
	i := slices.IndexFunc(workloads, func(w *workload) bool { return w.name == c.Workload })
	if i < 0 {
		return nil
	}
	return workloads[i].open(&p.loops, c)
}

// buffers of one operation.
func (c workCase) buffers() int {
	switch c.Workload {
	case "burst":
		return bursting
	case "arena":
		return served
	}
	return 1
}

// column names the case in its table.
func (c workCase) column() string {
	if c.High > 0 {
		return bench.SizeName(c.Low) + "-" + bench.SizeName(c.High)
	}
	return bench.SizeName(c.Size)
}

func (c workCase) String() string {
	s := c.Workload + ", " + c.column()
	if c.Goroutines > 1 {
		s += fmt.Sprintf(", %d goroutines", c.Goroutines)
	}
	return s
}

// chooseWorkloads returns the workloads of these names, all where there are none.
func chooseWorkloads(list string) ([]*workload, error) {
	if list == "" {
		return workloads, nil
	}
	var chosen []*workload
	for _, name := range strings.Split(list, ",") {
		i := slices.IndexFunc(workloads, func(w *workload) bool { return w.name == name })
		if i < 0 {
			return nil, fmt.Errorf("-only %s: there is no workload %q; there are %s", list, name, workloadNames())
		}
		if !slices.Contains(chosen, workloads[i]) {
			chosen = append(chosen, workloads[i])
		}
	}
	return chosen, nil
}

func workloadNames() string {
	var names []string
	for _, w := range workloads {
		names = append(names, w.name)
	}
	return strings.Join(names, ", ")
}
