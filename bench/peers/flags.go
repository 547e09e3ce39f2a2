package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// config is what the flags say.
type config struct {
	rounds    int
	time      time.Duration
	silence   time.Duration
	workloads []*workload
	peers     []*peer
	json      string // file; "" for none
	svg       string // folder; "" for none
}

// parse returns what the arguments say, or an error that names what is wrong with which of them. On
// -help it writes the usage to out and returns flag.ErrHelp.
func parse(args []string, out io.Writer) (cfg config, err error) {
	var only, among string
	flags := flag.NewFlagSet("peers", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // main prints the error, once
	flags.IntVar(&cfg.rounds, "rounds", 15, "measure each peer `N` times at each workload, in turn")
	flags.DurationVar(&cfg.time, "time", 15*time.Millisecond, "each of these takes about `D`")
	flags.DurationVar(&cfg.silence, "silence", 10*time.Second,
		"after hold, look at the memory of processes that have been idle for `D`; 0: do not")
	flags.StringVar(&only, "only", "", "measure only these workloads, a `LIST` separated by commas")
	flags.StringVar(&among, "peers", "",
		"beside cmem and sync.Pool, measure only these peers, a `LIST` separated by commas")
	flags.StringVar(&cfg.json, "json", "", "write all figures of all rounds to `FILE`")
	flags.StringVar(&cfg.svg, "svg", "", "draw bench-go.svg in `FOLDER`")
	err = flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		usage(flags, out)
	}
	if err != nil {
		return cfg, err
	}
	if err := cfg.check(flags.Args()); err != nil {
		return cfg, err
	}
	if cfg.workloads, err = chooseWorkloads(only); err != nil {
		return cfg, err
	}
	if cfg.svg != "" && !slices.ContainsFunc(cfg.workloads, func(w *workload) bool { return len(w.cases) > 1 }) {
		return cfg, fmt.Errorf("-svg with -only %s: expected a workload with several sizes: there is nothing to draw", only)
	}
	cfg.peers, err = choosePeers(among)
	return cfg, err
}

func (cfg *config) check(args []string) error {
	switch {
	case len(args) > 0:
		return fmt.Errorf("argument %q: there are flags only", args[0])
	case cfg.rounds < 1:
		return fmt.Errorf("-rounds %d: expected 1 or more", cfg.rounds)
	case cfg.time <= 0:
		return fmt.Errorf("-time %v: expected a duration above 0, such as 15ms", cfg.time)
	case cfg.silence < 0:
		return fmt.Errorf("-silence %v: expected a duration such as 10s, or 0", cfg.silence)
	}
	switch {
	case cfg.json != "" && !isFolder(filepath.Dir(cfg.json)):
		return fmt.Errorf("-json %s: expected a file in a folder that is there", cfg.json)
	case cfg.svg != "" && !isFolder(cfg.svg):
		return fmt.Errorf("-svg %s: expected a folder that is there", cfg.svg)
	}
	return nil
}

func isFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

func usage(flags *flag.FlagSet, out io.Writer) {
	fmt.Fprint(out, "usage: peers [flag...]\n\nMeasures cmem beside other ways to come by buffers. Flags:\n")
	flags.SetOutput(out)
	flags.PrintDefaults()
	fmt.Fprint(out, "\nWorkloads:\n")
	for _, w := range workloads {
		fmt.Fprintf(out, "  %-18s%s\n", w.name, w.about)
	}
	fmt.Fprint(out, "\nPeers:\n")
	for _, p := range peers {
		fmt.Fprintf(out, "  %-18s%s\n", p.name, p.about)
	}
}
