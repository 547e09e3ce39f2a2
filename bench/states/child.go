package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gocmem/cmem/internal/ending"
)

// childEnv carries the order to a measured process.
const childEnv = "CMEM_STATES_ORDER"

// An order is a case to be measured.
type order struct {
	Case   testcase      `json:"case"`
	Rounds int           `json:"rounds"`
	Time   time.Duration `json:"time"`
}

// times are ns of CPU time a buffer, in each round.
type times struct {
	Cmem []float64 `json:"cmem"`
	Pool []float64 `json:"pool"`
}

// A side is cmem or the pool at a case.
type side struct {
	enter func(time.Duration) // brings the process into the case's state
	run   func(ops int)
	least int // operations of a turn
	warm  int // turns before the first: until the heap has found its size
	times int // so many times as long as -time says is a turn; 0 is 1
}

// childMain obeys an order, and writes the times.
func childMain(js string, stdout, stderr io.Writer) int {
	var o order
	err := json.Unmarshal([]byte(js), &o)
	if err == nil {
		var t *times
		if t, err = o.measure(); err == nil {
			err = json.NewEncoder(stdout).Encode(t)
		}
	}
	if err != nil {
		fmt.Fprintf(stderr, "states: %v\n", err)
		return 1
	}
	return 0
}

// measure has both sides take turns, another one first each time.
func (o *order) measure() (*times, error) {
	i := slices.IndexFunc(measurements, func(m *measurement) bool { return m.name == o.Case.Measurement })
	if i < 0 {
		return nil, fmt.Errorf("there is no measurement %q", o.Case.Measurement)
	}
	if s := o.Case.State; s != "" && !known(s) {
		return nil, fmt.Errorf("there is no state %q", s)
	}
	sides := measurements[i].sides(o.Case)
	for _, s := range sides {
		s.enter(o.Time)
	}
	var t times
	results := []*[]float64{&t.Cmem, &t.Pool}
	ops := make([]int, len(sides))
	for i, s := range sides {
		turn := o.Time * time.Duration(max(s.times, 1))
		ops[i] = s.count(turn)
		during(turn*time.Duration(s.warm), func() { s.run(ops[i]) })
	}
	for round := range o.Rounds {
		for k := range sides {
			i := (round + k) % len(sides)
			*results[i] = append(*results[i], float64(spent(func() { sides[i].run(ops[i]) }))/float64(ops[i]))
		}
	}
	return &t, nil
}

// count finds how many operations take about d of CPU time.
func (s *side) count(d time.Duration) int {
	s.run(s.least)
	for n := s.least; ; n *= 2 {
		if took := spent(func() { s.run(n) }); took >= d/4 {
			return max(int(float64(n)*float64(d)/float64(took)), s.least)
		}
	}
}

// spent is the CPU time of the process for f; never 0.
func spent(f func()) time.Duration {
	before := cpuTime()
	f()
	return max(cpuTime()-before, 1)
}

func cpuTime() time.Duration {
	var r syscall.Rusage
	// It fails for a bad first argument only.
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// spawn measures a case in a fresh process.
func (c *config) spawn(tc testcase) (*times, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	js, err := json.Marshal(order{tc, c.rounds, c.time})
	if err != nil {
		return nil, err
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childEnv+"="+string(js), "GOMAXPROCS="+strconv.Itoa(c.procs))
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	ending.Bind(cmd)
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", js, err, strings.TrimSpace(stderr.String()))
	}
	t := new(times)
	return t, json.Unmarshal(stdout.Bytes(), t)
}
