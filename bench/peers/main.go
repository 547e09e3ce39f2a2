// Peers measures package cmem beside other ways to come by buffers in Go, in one run:
//
//	make bench                                  all workloads and peers, some 6 minutes
//	make bench ARGS="-only pair,hold"           two of the workloads
//	make bench ARGS="-help"                     the flags, the workloads, the peers
//
// In each round all peers have their turn, in an order that changes from round to round, so that
// what disturbs the machine disturbs all of them. Tables have medians over the rounds, and medians
// of the rounds' ratios. Peers that make garbage, and C allocators that are preloaded, run in child
// processes, which wait their turn like the others: a collection would empty the other peers'
// pools.
//
// It is a module of its own, so that its peers are no dependencies of cmem's.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/gocmem/cmem/bench/internal/bench"
)

const exitUsage = 2

func main() {
	if os.Getenv(childEnv) != "" {
		os.Exit(status(childMain(os.Stdin, os.Stdout), os.Stderr))
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program; it returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	cfg, err := parse(args, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "peers: %v\npeers: -help lists flags, workloads and peers\n", err)
		return exitUsage
	}
	rep, err := measure(cfg, stderr)
	if err == nil {
		err = rep.print(stdout)
	}
	if err == nil {
		err = bench.WriteJSON(cfg.json, rep)
	}
	if err == nil && cfg.svg != "" {
		err = rep.draw(filepath.Join(cfg.svg, "bench-go.svg"))
	}
	return status(err, stderr)
}

func status(err error, stderr io.Writer) int {
	if err != nil {
		fmt.Fprintln(stderr, "peers:", err)
		return 1
	}
	return 0
}
