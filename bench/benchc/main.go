// Benchc measures the C API of libcmem beside glibc's malloc, and beside jemalloc, mimalloc and tcmalloc preloaded:
//
//	make bench-c                                  all workloads, some minutes
//	make bench-c ARGS="-only pair,hold"           two of them
//	make bench-c ARGS="-help"                     the flags and the workloads
//
// Each allocator has a process of its own for each case (bench/c/bench_alloc.c), for what malloc
// did before changes what it does next: glibc's threshold for mmap follows what is freed. The
// processes stay and are told when to run a round; in each round the allocators take turns, another
// one first each time, so that what disturbs the machine disturbs all. The tables have each
// allocator's median over the rounds and the medians of the rounds' ratios.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gocmem/cmem/bench/internal/bench"
)

const exitUsage = 2

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// config is what the flags say.
type config struct {
	rounds    int
	time      time.Duration
	workloads []*workload
	peers     []*allocator
	program   string
	json      string // file, "" for none
	svg       string // folder, "" for none
}

// run is the program without its process; it returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	cfg, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "benchc: %v\nbenchc: -help lists flags and workloads\n", err)
		return exitUsage
	}
	if err := measureAll(cfg, stdout); err != nil {
		fmt.Fprintln(stderr, "benchc:", err)
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (*config, error) {
	var (
		cfg         config
		only, peers string
	)
	fs := flag.NewFlagSet("benchc", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // run prints the error, once
	fs.StringVar(&only, "only", "", "measure only these workloads, a `LIST` separated by commas")
	fs.StringVar(&peers, "peers", names(preloaded), "preload these, a `LIST`, beside cmem and glibc; none for none")
	fs.IntVar(&cfg.rounds, "rounds", 11, "measure `N` times")
	fs.DurationVar(&cfg.time, "time", 40*time.Millisecond, "a round takes about `D`")
	fs.StringVar(&cfg.program, "program", "build/release/bench_alloc",
		"the measured program, a `FILE` that make bench-c builds")
	fs.StringVar(&cfg.json, "json", "", "write all figures of all rounds to `FILE`")
	fs.StringVar(&cfg.svg, "svg", "", "draw a picture of each workload into `FOLDER`")
	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		usage(fs, stderr)
	}
	if err != nil {
		return nil, err
	}
	switch {
	case fs.NArg() > 0:
		return nil, fmt.Errorf("argument %q: there are flags only", fs.Arg(0))
	case cfg.rounds < 1:
		return nil, fmt.Errorf("-rounds %d: expected 1 or more", cfg.rounds)
	case cfg.time <= 0:
		return nil, fmt.Errorf("-time %v: expected a duration above 0, such as 40ms", cfg.time)
	}
	if cfg.workloads, err = find("-only", only, workloads); err != nil {
		return nil, err
	}
	if peers != "none" {
		cfg.peers, err = find("-peers", peers, preloaded)
	}
	return &cfg, err
}

// A named thing can be chosen by a flag.
type named interface{ title() string }

// find is bench.Choose by titles.
func find[T named](flag, list string, all []T) ([]T, error) {
	return bench.Choose(flag, "there is no", list, all, title[T])
}

func names[T named](all []T) string { return bench.Names(all, title[T]) }

func title[T named](t T) string { return t.title() }

func usage(fs *flag.FlagSet, w io.Writer) {
	fmt.Fprintf(w, "usage: make bench-c ARGS=\"[flag...]\"\n\nWorkloads; without -only, all of them:\n")
	for _, l := range workloads {
		fmt.Fprintf(w, "  %-6s %s\n", l.name, l.about)
	}
	fmt.Fprintf(w, "\nFlags:\n")
	fs.SetOutput(w)
	fs.PrintDefaults()
}
