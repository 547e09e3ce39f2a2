// Gate tells what a change of the library costs. It builds the benchmarks of this tree twice, with
// the library of this tree and with that of another commit, lets the two take turns, and prints the
// ratio of each cost: the geometric mean over the pairs and its 95 % interval. It fails where an
// interval lies wholly above the limit.
//
//	go run ./bench/gate -base v0.1.0            all measurements, some 15 minutes
//	go run ./bench/gate -base HEAD^ -only pair  those whose names begin so
//	go run ./bench/gate -help                   the flags and the measurements
//
// It runs from the root of the repository, as make gate does.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/gocmem/cmem/bench/internal/bench"
	"github.com/gocmem/cmem/internal/ending"
)

const exitUsage = 2

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// config is what the command line sets.
type config struct {
	base  string // commit
	pairs int
	only  []*measurement
	limit float64
}

func run(args []string, stdout, stderr io.Writer) int {
	c, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "gate: %v\ngate: -help lists flags and measurements\n", err)
		return exitUsage
	}
	ctx, stop := ending.Context()
	defer stop()
	slower, err := c.gate(ctx, stdout, stderr)
	switch err = ending.Cause(ctx, err); {
	case err != nil:
		fmt.Fprintf(stderr, "gate: %v\n", err)
		return ending.Status(err, 1)
	case len(slower) > 0:
		fmt.Fprintf(stderr, "gate: interval above %.2f: %s\n", c.limit, strings.Join(slower, ", "))
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (*config, error) {
	var (
		c    config
		only string
	)
	fs := flag.NewFlagSet("gate", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // run prints the error, once
	fs.StringVar(&c.base, "base", "HEAD", "compare with the library of this `COMMIT`")
	fs.IntVar(&c.pairs, "pairs", 15, "measure `N` pairs")
	fs.Float64Var(&c.limit, "limit", 1.02, "fail where an interval lies wholly above this `RATIO`")
	fs.StringVar(&only, "only", "", "measure only what begins with one of these, a `LIST` separated by commas")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			usage(fs, stderr)
		}
		return nil, err
	}
	switch {
	case fs.NArg() > 0:
		return nil, fmt.Errorf("argument %q: expected flags only", fs.Arg(0))
	case c.pairs < 2:
		return nil, fmt.Errorf("-pairs %d: expected 2 or more, as one pair has no interval", c.pairs)
	}
	for _, m := range measurements {
		for _, prefix := range strings.Split(only, ",") {
			if strings.HasPrefix(m.name, prefix) {
				c.only = append(c.only, m)
				break
			}
		}
	}
	if len(c.only) == 0 {
		return nil, fmt.Errorf("-only %s: no measurement begins so", only)
	}
	return &c, nil
}

func usage(fs *flag.FlagSet, w io.Writer) {
	fmt.Fprintln(w, "usage: make gate ARGS=\"[flag...]\"\n\nMeasurements; without -only, all of them:")
	for _, m := range measurements {
		fmt.Fprintf(w, "  %s\n", m.name)
	}
	fmt.Fprintln(w, "\nFlags:")
	fs.SetOutput(w)
	fs.PrintDefaults()
}

// gate measures, prints, and returns the names of what got slower.
func (c *config) gate(ctx context.Context, stdout, stderr io.Writer) (slower []string, err error) {
	dir, err := os.MkdirTemp("", "cmem-gate")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	base, now, err := buildBoth(ctx, dir, c.base, stderr)
	if err != nil {
		return nil, err
	}
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(stdout, "%v\n%s and this tree in turn, %d pairs\n\n", bench.ThisHost(), c.base, c.pairs)
	fmt.Fprintln(table, "cost\tunit\tbase\tnow\tratio\t95 % interval")
	for _, m := range c.only {
		fmt.Fprintf(stderr, "gate: %s\n", m.name)
		pairs, err := m.pairs(ctx, base, now, c.pairs)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		for _, p := range pairs {
			r := bench.Ratios(p.now, p.base)
			fmt.Fprintf(table, "%s\t%s\t%.4g\t%.4g\t%.3f\t%.3f–%.3f\n", p.name, p.unit,
				bench.Median(p.base), bench.Median(p.now), r.Mean, r.Low, r.High)
			if r.Low > c.limit {
				slower = append(slower, p.name)
			}
		}
	}
	return slower, table.Flush()
}
