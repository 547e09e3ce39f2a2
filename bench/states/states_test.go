package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gocmem/cmem/bench/internal/bench"
)

// TestMain makes the test binary the measured process, as main does the program.
func TestMain(m *testing.M) {
	if order := os.Getenv(childEnv); order != "" {
		os.Exit(childMain(order, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// TestRun measures everything with short buffers for no time to speak of, and reads what comes out.
func TestRun(t *testing.T) {
	if bench.ThisHost().Race {
		t.Skip("under the race detector cmem makes each buffer of 8 MiB anew: minutes for the states")
	}
	file := filepath.Join(t.TempDir(), "states.json")
	var stdout, stderr strings.Builder
	args := []string{"-processes", "2", "-rounds", "3", "-time", "20us", "-procs", "2", "-largest", "32768", "-json", file}
	if status := run(args, &stdout, &stderr); status != 0 {
		t.Fatalf("exit status %d: %s", status, &stderr)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var rep report
	if err := json.Unmarshal(text, &rep); err != nil {
		t.Fatal(err)
	}
	if want := 2*len(states)*2 + 2*4 + 1; len(rep.Results) != want {
		t.Errorf("%d results, want %d: pairs of 64 B and 4 KiB in all states, queues of 4 KiB, hold to 32 KiB",
			len(rep.Results), want)
	}
	for _, r := range rep.Results {
		if len(r.Ratios) != 2 || !(r.Median > 0 && r.Slowest >= r.Median) ||
			!(r.Ratio.Low <= r.Ratio.Mean && r.Ratio.Mean <= r.Ratio.High) ||
			!(r.Cmem > 0 && r.Cmem < 1e9 && r.Pool > 0 && r.Pool < 1e9) {
			t.Errorf("%+v", r)
		}
		if !strings.Contains(stdout.String(), r.row()) || !strings.Contains(stdout.String(), r.column()) {
			t.Errorf("%s, %s is not in the table:\n%s", r.row(), r.column(), &stdout)
		}
	}
}

func TestUsage(t *testing.T) {
	tests := []struct {
		args   string
		status int
		want   string
	}{
		{"-processes 1", exitUsage, "states: -processes 1: expected 2 or more"},
		{"-rounds 0", exitUsage, "states: -rounds 0: expected 1 or more"},
		{"-time 0s", exitUsage, "states: -time 0s: expected a duration above 0"},
		{"-procs 0", exitUsage, "states: -procs 0: expected a number from 1"},
		{"-only pair,pear", exitUsage, `states: -only: no measurement "pear"; expected some of pair,queue,hold`},
		{"-largest 63", exitUsage, "states: -largest 63: no case"},
		{"-bogus", exitUsage, "-bogus"},
		{"pair", exitUsage, `states: argument "pair": expected flags only`},
		{"-help", 0, "wander"},
	}
	for _, tt := range tests {
		var stdout, stderr strings.Builder
		status := run(strings.Fields(tt.args), &stdout, &stderr)
		if status != tt.status || !strings.Contains(stderr.String(), tt.want) {
			t.Errorf("%s: exit status %d, message %q, want %d and %q", tt.args, status, &stderr, tt.status, tt.want)
		}
	}
}

func TestChildErrors(t *testing.T) {
	for order, want := range map[string]string{
		`{"case":{"measurement":"none"}}`:                `there is no measurement "none"`,
		`{"case":{"measurement":"pair","state":"none"}}`: `there is no state "none"`,
		`no JSON`: "invalid",
	} {
		var stdout, stderr strings.Builder
		if status := childMain(order, &stdout, &stderr); status != 1 || !strings.Contains(stderr.String(), want) ||
			stdout.Len() > 0 {
			t.Errorf("%s: exit status %d, %q; want 1 and %q", order, status, &stderr, want)
		}
	}
}

// A counter is a heap of one size that counts.
type counter struct {
	sync.Mutex
	got, put int
}

func (c *counter) heap() heap[*[]byte] {
	count := func(n *int) {
		c.Lock()
		*n++
		c.Unlock()
	}
	return heap[*[]byte]{
		get: func() *[]byte {
			count(&c.got)
			return &[]byte{7}
		},
		put:   func(*[]byte) { count(&c.put) },
		bytes: func(b *[]byte) []byte { return *b },
	}
}

// TestEnter: each state uses buffers of all sizes, fresh none, and gives all of them back.
func TestEnter(t *testing.T) {
	for _, s := range states {
		counters := make(map[int]*counter)
		for _, size := range pairSizes {
			counters[size] = new(counter)
		}
		enter(s.name, func(size int) heap[*[]byte] { return counters[size].heap() }, time.Millisecond)
		for size, c := range counters {
			if (c.got > 0) != (s.name != fresh) || c.got != c.put {
				t.Errorf("%s: %d buffers of %d B taken, %d given back", s.name, c.got, size, c.put)
			}
		}
	}
}

func TestQueue(t *testing.T) {
	for _, fill := range []bool{false, true} {
		var c counter
		q := newQueue(c.heap(), 3, fill)
		q.sum = 1
		q.run(10)
		if c.got != 10 || c.put != 10 || q.sum != 1 || len(q.ch) != 0 {
			t.Errorf("fill %v: %d taken, %d given back, sum %d, %d left; want 10, 10, 1 (filled buffers are all zeros), 0", fill,
				c.got, c.put, q.sum, len(q.ch))
		}
	}
	var c counter
	h, b := c.heap(), []byte{7}
	h.get = func() *[]byte { return &b }
	newQueue(h, 1, false).run(1)
	if b[0] != 7 {
		t.Error("a buffer was filled that was only to be handed over")
	}
	newQueue(h, 1, true).run(1)
	if b[0] != 0 {
		t.Error("a buffer was not filled")
	}
}

func TestHold(t *testing.T) {
	const low, high = 1000, 9000
	ours, theirs := &cmemHold{steps: newSteps(low, high)}, &poolHold{steps: newSteps(low, high)}
	ours.run(2 * len(ours.steps))
	theirs.run(2 * len(theirs.steps))
	for i := range live {
		a, b := ours.slots[i], *theirs.slots[i]
		if len(a) != len(b) || len(a) < low || len(a) > high {
			t.Errorf("slot %d: %d and %d bytes, want as many in both, from %d to %d", i, len(a), len(b), low, high)
		}
		if a[0] != 1 || a[len(a)/4096*4096] != 1 || a[len(a)-1] != 1 {
			t.Errorf("slot %d: not every page is written", i)
		}
	}
}

// TestResult knows what the ratios come to, and what is to be met.
func TestResult(t *testing.T) {
	// One process: the rounds' ratios are these.
	process := func(ratios ...float64) *times {
		var p times
		for _, r := range ratios {
			p.Cmem, p.Pool = append(p.Cmem, r*10), append(p.Pool, 10)
		}
		return &p
	}
	r := newResult(testcase{Measurement: "pair"}, []*times{process(0.8, 9, 0.7), process(0.5), process(2)})
	if r.Median != 0.8 || r.Slowest != 2 || math.Abs(r.Ratio.Mean-math.Cbrt(0.8)) > 1e-9 || r.Cmem != 8 || r.Pool != 10 {
		t.Errorf("%+v", r)
	}
	for _, tt := range []struct {
		tc     testcase
		ratios []float64
		missed bool
	}{
		{testcase{Measurement: "pair"}, []float64{0.8, 0.85, 1}, false},
		{testcase{Measurement: "pair"}, []float64{0.8, 0.86, 1}, true},
		{testcase{Measurement: "pair"}, []float64{0.8, 0.8, 1.01}, true},
		{testcase{Measurement: "queue"}, []float64{1, 1}, false},
		{testcase{Measurement: "queue"}, []float64{1.01, 1.01}, true},
		{testcase{Measurement: "queue"}, []float64{0.9, 1.1}, true},
		{testcase{Measurement: "hold", High: shortest}, []float64{0.55, 0.55}, false},
		{testcase{Measurement: "hold", High: shortest}, []float64{0.56, 0.56}, true},
		{testcase{Measurement: "hold", High: shortest + 1}, []float64{1, 1}, false},
		{testcase{Measurement: "hold", High: shortest + 1}, []float64{1.01, 1.01}, true},
	} {
		var all []*times
		for _, ratio := range tt.ratios {
			all = append(all, process(ratio))
		}
		if r := newResult(tt.tc, all); r.Missed != tt.missed {
			t.Errorf("%+v, %v: missed %v, want %v", tt.tc, tt.ratios, r.Missed, tt.missed)
		}
	}
}

func TestRead(t *testing.T) {
	b := make([]byte, 130)
	b[0], b[1], b[64], b[128] = 1, 100, 2, 4
	if got := read(b); got != 7 {
		t.Errorf("the cache lines' first bytes sum up to %d, want 7", got)
	}
}
