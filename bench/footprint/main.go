// Footprint measures how near the resident memory of a process stays to the bytes that it uses, for buffers from make,
// sync.Pool, C's malloc and cmem, under the loads that cmem is for. Each measurement runs in a process of its own, a
// second instance of this program, so that none inherits another's heap.
//
//	go run ./bench/footprint                      all loads, some 35 minutes
//	go run ./bench/footprint -modes cmem body     one load, one source of buffers
//	go run ./bench/footprint -pairs 15            cmem and sync.Pool in turn: ratios with intervals, half an hour
//	go run ./bench/footprint -help                the flags and the loads
//
// MB is 10^6 bytes throughout.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
)

const exitUsage = 2

func main() {
	if order := os.Getenv(childEnv); order != "" {
		os.Exit(childMain(order, os.Stdout, os.Stderr))
	}
	os.Exit(parentMain(os.Args[1:], os.Stdout, os.Stderr))
}

// options is what the command line sets.
type options struct {
	loads    []*load
	modes    []string // nil: all
	procs    []int
	runs     int             // 0: the load's default
	window   time.Duration   // 0: the load's default
	warmup   time.Duration   // below 0: the default
	idle     []time.Duration // of cmem, one after the other; nil: the default
	changes  bool            // of GOMAXPROCS, during the load
	pairs    int             // 0: no pairs
	frontier string          // directory for its pictures; "": no frontier
	against  string          // the mode that takes turns with cmem in pairs
	without  []string        // modes that cannot be measured here
	seed     uint64
	json     string // file, "" for none
	csv      string // directory, "" for none
	where    bool
	quick    bool
}

// parentMain is the program without its process, for the test.
func parentMain(args []string, out, errOut io.Writer) int {
	opts, err := parse(args, errOut)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(errOut, "footprint: %v\nfootprint: -help lists flags and loads\n", err)
		return exitUsage
	}
	if err := run(opts, out, errOut); err != nil {
		fmt.Fprintf(errOut, "footprint: %v\n", err)
		return 1
	}
	return 0
}

func parse(args []string, errOut io.Writer) (*options, error) {
	var (
		o                  options
		modes, procs, idle string
		seconds            float64
	)
	fs := flag.NewFlagSet("footprint", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // parentMain prints the error, once
	fs.StringVar(&modes, "modes", "", "measure only these modes, `LIST` separated by commas")
	fs.StringVar(&procs, "procs", strconv.Itoa(runtime.NumCPU()), "GOMAXPROCS of the measured processes, a `LIST`: 1,2,8")
	fs.IntVar(&o.runs, "runs", 0, "measure each mode `N` times, in turn, and print the medians (default: the load's)")
	fs.Float64Var(&seconds, "seconds", 0, "measure for `S` seconds (default: the load's)")
	fs.DurationVar(&o.warmup, "warmup", -1, "let the load go on for `D` before the measurement (default: 2s)")
	fs.StringVar(&idle, "idle", "",
		"set cmem's idle limit to `D` before the load, or to each of a list in turn: 20ms,1s,0 (0: never gives back)")
	fs.BoolVar(&o.changes, "gomaxprocs-changes", false, "change GOMAXPROCS during the load: 1, 2, 4, 8, each for 200 ms")
	fs.IntVar(&o.pairs, "pairs", 0,
		"let cmem and another mode take turns `N` times at each load that has a cost, and print ratios with their intervals")
	fs.StringVar(&o.frontier, "frontier", "",
		"measure each load that has a cost with cmem at several idle limits and with its peers; draw CPU time\n"+
			"against memory, a picture a load, into `DIR`, and print what both cost")
	fs.StringVar(&o.against, "against", modePool, "the other `MODE` of -pairs")
	fs.Uint64Var(&o.seed, "seed", 0, "seed of all random choices; 0 takes CMEM_SEED, or the time")
	fs.StringVar(&o.json, "json", "", "write all figures of all runs to `FILE` (- for standard output)")
	fs.StringVar(&o.csv, "csv", "", "write the series of RSS and live bytes of each run to a file in `DIR`")
	fs.BoolVar(&o.where, "where", false, "also print where the resident bytes are, by cmem's statistics and by mapping")
	fs.BoolVar(&o.quick, "quick", false, "a smoke run: smaller loads of some 2 seconds, figures of no worth")
	loads, err := parseMixed(fs, args)
	if errors.Is(err, flag.ErrHelp) {
		usage(fs, errOut)
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	set := make(map[string]bool)
	fs.Visit(func(f *flag.Flag) { set[f.Name] = true })
	switch {
	case set["runs"] && o.runs < 1:
		return nil, fmt.Errorf("-runs=%d: expected 1 or more", o.runs)
	case set["warmup"] && o.warmup < 0:
		return nil, fmt.Errorf("-warmup=%v: expected a duration such as 2s, or 0", o.warmup)
	case set["pairs"] && o.pairs < 2:
		return nil, fmt.Errorf("-pairs=%d: expected 2 or more, as one pair has no interval", o.pairs)
	case set["seconds"] && !(seconds > 0 && seconds <= 24*3600):
		return nil, fmt.Errorf("-seconds=%v: expected more than 0, at most a day", seconds)
	}
	o.window = time.Duration(seconds * float64(time.Second))
	if o.procs, err = parseProcs(procs); err != nil {
		return nil, err
	}
	if o.idle, err = parseIdle(idle); err != nil {
		return nil, err
	}
	if o.loads, err = findLoads(loads); err != nil {
		return nil, err
	}
	if o.pairs > 0 || o.frontier != "" {
		if err := o.parseCosts(set, len(loads) > 0); err != nil {
			return nil, err
		}
	}
	if modes != "" {
		if o.modes, err = findModes(strings.Split(modes, ","), o.loads); err != nil {
			return nil, err
		}
	}
	o.seed, err = chooseSeed(o.seed)
	return &o, err
}

// parseMixed parses flags wherever they stand among the arguments, and returns the others.
func parseMixed(fs *flag.FlagSet, args []string) (rest []string, err error) {
	for {
		if err := fs.Parse(args); err != nil {
			return nil, err
		}
		if fs.NArg() == 0 {
			return rest, nil
		}
		rest = append(rest, fs.Arg(0))
		args = fs.Args()[1:]
	}
}

func parseProcs(list string) ([]int, error) {
	var procs []int
	for _, s := range strings.Split(list, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > 1024 {
			return nil, fmt.Errorf("-procs=%s: expected numbers from 1 to 1024, separated by commas", list)
		}
		procs = append(procs, n)
	}
	return procs, nil
}

// parseIdle returns the durations of a list; none of "".
func parseIdle(list string) ([]time.Duration, error) {
	if list == "" {
		return nil, nil
	}
	var all []time.Duration
	for _, s := range strings.Split(list, ",") {
		d, err := time.ParseDuration(s)
		if err != nil || d < 0 {
			return nil, fmt.Errorf("-idle=%s: expected durations such as 20ms or 0, separated by commas", list)
		}
		all = append(all, d)
	}
	return all, nil
}

// parseCosts checks what -pairs and -frontier go with, and sets what they have by default. Without
// loads named they take all that have a cost.
func (o *options) parseCosts(set map[string]bool, named bool) error {
	switch {
	case o.pairs > 0 && o.frontier != "":
		return errors.New("-pairs and -frontier: expected one of them")
	case o.pairs > 0 && (set["modes"] || set["runs"] || set["csv"] || len(o.idle) > 1):
		return errors.New("-pairs takes cmem and the mode of -against, in turn: expected no -modes, -runs or -csv, and " +
			"one -idle at most")
	case o.against == modeCmem || !slices.Contains(bufferModes, o.against):
		return fmt.Errorf("-against=%s: expected one of %s", o.against, strings.Join(bufferModes[:len(bufferModes)-1], ", "))
	}
	if !named {
		o.loads = slices.DeleteFunc(slices.Clone(o.loads), func(l *load) bool { return !l.costs })
	}
	for _, l := range o.loads {
		if !l.costs {
			return fmt.Errorf("-pairs, -frontier: the load %s has no cost that could be compared", l.name)
		}
	}
	switch {
	case o.window != 0:
	case o.quick:
		o.window = costWindow / 10
	default:
		o.window = costWindow
	}
	if o.frontier != "" {
		o.frontierDefaults()
	}
	return nil
}

// findLoads returns the loads of these names, all where there are none.
func findLoads(names []string) ([]*load, error) {
	if len(names) == 0 {
		return loads, nil
	}
	var found []*load
	for _, name := range names {
		i := slices.IndexFunc(loads, func(l *load) bool { return l.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no load %q", name)
		}
		found = append(found, loads[i])
	}
	return found, nil
}

// findModes checks that each of these is a mode of one of the loads, at least.
func findModes(names []string, among []*load) ([]string, error) {
	for _, name := range names {
		if !slices.ContainsFunc(among, func(l *load) bool { return slices.Contains(l.modes, name) }) {
			return nil, fmt.Errorf("-modes: none of the chosen loads has a mode %q", name)
		}
		if err := lacks(name); err != nil {
			return nil, fmt.Errorf("-modes: %w", err)
		}
	}
	return names, nil
}

// chooseSeed settles the seed: chosen, unless that is 0; else CMEM_SEED; else the time.
func chooseSeed(chosen uint64) (uint64, error) {
	if chosen != 0 {
		return chosen, nil
	}
	v := os.Getenv("CMEM_SEED")
	if v == "" {
		return uint64(time.Now().UnixNano()), nil
	}
	seed, err := strconv.ParseUint(v, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("CMEM_SEED=%q: expected an unsigned integer", v)
	}
	return seed, nil
}

func usage(fs *flag.FlagSet, w io.Writer) {
	fmt.Fprintf(w, "usage: footprint [flag...] [load...]\n\nLoads; without any, all of them:\n")
	for _, l := range loads {
		fmt.Fprintf(w, "  %-10s %s\n  %-10s modes: %s\n", l.name, l.about, "", strings.Join(l.modes, ", "))
	}
	fmt.Fprintf(w, "\nFlags:\n")
	fs.SetOutput(w)
	fs.PrintDefaults()
}

// goVersion is the Go release and what of the build bears on the figures.
func goVersion() string {
	return fmt.Sprintf("%s %s/%s, CGO_ENABLED=%s", runtime.Version(), runtime.GOOS, runtime.GOARCH,
		buildSetting("CGO_ENABLED"))
}

// buildSetting is what go build was told, "" where that is unknown.
func buildSetting(key string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == key {
				return s.Value
			}
		}
	}
	return ""
}
