// States measures what a buffer costs from cmem and from a sync.Pool, in processes that have done
// something before: pairs by several goroutines after other work, buffers that go through a
// channel, and live buffers that are replaced. A heap that has found a good state, or a bad one,
// may stay in it; so each case is measured in several fresh processes. In each of them the two take
// turns, and what counts is the ratio of their CPU time.
//
//	go run ./bench/states                   all measurements, some 6 minutes
//	go run ./bench/states -only pair,hold   two of them
//	go run ./bench/states -help             the flags and the measurements
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"time"

	"github.com/gocmem/cmem/bench/internal/bench"
)

const exitUsage = 2

func main() {
	if order := os.Getenv(childEnv); order != "" {
		os.Exit(childMain(order, os.Stdout, os.Stderr))
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// config is what the command line sets.
type config struct {
	cases     []testcase
	processes int
	rounds    int
	time      time.Duration
	procs     int
	json      string // file; "" for none
}

// run is the program without its process; it returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	c, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "states: %v\nstates: -help lists flags and measurements\n", err)
		return exitUsage
	}
	rep, err := c.measure(stderr)
	if err == nil {
		err = rep.print(stdout)
	}
	if err == nil {
		err = bench.WriteJSON(c.json, rep)
	}
	if err != nil {
		fmt.Fprintln(stderr, "states:", err)
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (*config, error) {
	var (
		c       config
		only    string
		largest int
	)
	fs := flag.NewFlagSet("states", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // run prints the error, once
	fs.StringVar(&only, "only", "", "measure only these, a `LIST` separated by commas")
	fs.IntVar(&c.processes, "processes", 10, "measure each case in `N` processes")
	fs.IntVar(&c.rounds, "rounds", 5, "let cmem and the pool take turns `N` times in each")
	fs.DurationVar(&c.time, "time", 15*time.Millisecond, "a turn takes about `D`")
	fs.IntVar(&c.procs, "procs", runtime.NumCPU(), "GOMAXPROCS of the measured processes")
	fs.IntVar(&largest, "largest", math.MaxInt, "leave out the cases with buffers of more than `N` bytes")
	fs.StringVar(&c.json, "json", "", "write all figures to `FILE`")
	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		usage(fs, stderr)
	}
	if err != nil {
		return nil, err
	}
	switch {
	case fs.NArg() > 0:
		return nil, fmt.Errorf("argument %q: expected flags only", fs.Arg(0))
	case c.processes < 2:
		return nil, fmt.Errorf("-processes %d: expected 2 or more, as one has no interval", c.processes)
	case c.rounds < 1:
		return nil, fmt.Errorf("-rounds %d: expected 1 or more", c.rounds)
	case c.time <= 0:
		return nil, fmt.Errorf("-time %v: expected a duration above 0, such as 15ms", c.time)
	case c.procs < 1 || c.procs > 1024:
		return nil, fmt.Errorf("-procs %d: expected a number from 1 to 1024", c.procs)
	}
	return &c, c.choose(only, largest)
}

// choose takes the cases of the measurements of these names, of all where there are none.
func (c *config) choose(list string, largest int) error {
	chosen, err := bench.Choose("-only", "no measurement", list, measurements,
		func(m *measurement) string { return m.name })
	if err != nil {
		return err
	}
	for _, m := range chosen {
		for _, tc := range m.cases() {
			if tc.Measurement = m.name; max(tc.Size, tc.High) <= largest {
				c.cases = append(c.cases, tc)
			}
		}
	}
	if len(c.cases) == 0 {
		return fmt.Errorf("-largest %d: no case has buffers as short as that", largest)
	}
	return nil
}

func usage(fs *flag.FlagSet, w io.Writer) {
	fmt.Fprintf(w, "usage: states [flag...]\n\nMeasurements:\n")
	for _, m := range measurements {
		fmt.Fprintf(w, "  %-6s %s\n", m.name, m.about)
	}
	fmt.Fprintf(w, "\nStates of pair:\n")
	for _, s := range states {
		fmt.Fprintf(w, "  %-8s %s\n", s.name, s.about)
	}
	fmt.Fprintf(w, "\nFlags:\n")
	fs.SetOutput(w)
	fs.PrintDefaults()
}
