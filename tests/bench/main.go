// Bench measures pairs of Alloc and Free of package cmem beside a bare sync.Pool of one fixed size, and make for
// reference, in one process:
//
//	go run ./tests/bench [-rounds N] [-time D] [-json FILE]
//
// In each round cmem and the pool take turns, a few times the one and the other, the first to go changing from round to
// round, so that what disturbs the machine disturbs both. The table has each side's median over the rounds, and the median
// of the rounds' ratios.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"text/tabwriter"
	"time"
)

// sizes are those of the buffers.
var sizes = []int{64, 1 << 10, 10 << 10, 64 << 10, 256 << 10, 1 << 20, 8 << 20}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// config is what the flags say.
type config struct {
	rounds int
	time   time.Duration
	json   string
}

func parse(args []string, stderr io.Writer) (cfg config, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&cfg.rounds, "rounds", 9, "measure each size `N` times")
	flags.DurationVar(&cfg.time, "time", 50*time.Millisecond, "each side of a round takes about `D`")
	flags.StringVar(&cfg.json, "json", "", "write the results to `FILE` too")
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: go run ./tests/bench [-rounds N] [-time D] [-json FILE]")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return cfg, err
	}
	switch {
	case flags.NArg() > 0:
		err = fmt.Errorf("argument %q: there are flags only", flags.Arg(0))
	case cfg.rounds < 1:
		err = fmt.Errorf("-rounds %d: expected 1 or more", cfg.rounds)
	case cfg.time <= 0:
		err = fmt.Errorf("-time %v: expected a duration above 0, such as 50ms", cfg.time)
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
	}
	return cfg, err
}

// run is the program; it returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	cfg, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return 2
	}
	rep := report{Machine: machine(), Rounds: cfg.rounds, RoundTime: cfg.time.String()}
	fmt.Fprintln(stdout, rep.Machine)
	fmt.Fprintf(stdout, "Alloc and Free of one buffer, its first byte written; medians of %d rounds of %v; ratio: cmem / sync.Pool, below 1 cmem is faster\n\n",
		cfg.rounds, cfg.time)
	for _, size := range sizes {
		rep.Results = append(rep.Results, measure(size, cfg))
	}
	if err := rep.print(stdout); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	if cfg.json != "" {
		if err := rep.write(cfg.json); err != nil {
			fmt.Fprintln(stderr, "bench:", err)
			return 1
		}
	}
	return 0
}

// A report is what -json writes.
type report struct {
	Machine   host     `json:"machine"`
	Rounds    int      `json:"rounds"`
	RoundTime string   `json:"round_time"`
	Results   []result `json:"results"`
}

// A result is a line of the table.
type result struct {
	Size  int     `json:"size"`
	Cmem  cost    `json:"cmem"`
	Pool  cost    `json:"sync_pool"`
	Make  cost    `json:"make"`
	Ratio float64 `json:"ratio"` // the median of the rounds' cmem / sync.Pool
}

// A cost is that of one pair, in the median.
type cost struct {
	NsPerOp     float64 `json:"ns_per_op"`
	AllocsPerOp float64 `json:"allocs_per_op"`
}

func (r report) print(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "size\tcmem ns/op\tsync.Pool ns/op\tratio\tmake ns/op\tcmem allocs/op\tsync.Pool allocs/op\tmake allocs/op\t")
	for _, res := range r.Results {
		fmt.Fprintf(tw, "%s\t%.2f\t%.2f\t%.3f\t%.2f\t%.3f\t%.3f\t%.3f\t\n", sizeName(res.Size),
			res.Cmem.NsPerOp, res.Pool.NsPerOp, res.Ratio, res.Make.NsPerOp,
			res.Cmem.AllocsPerOp, res.Pool.AllocsPerOp, res.Make.AllocsPerOp)
	}
	return tw.Flush()
}

func (r report) write(file string) error {
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o666)
}

func sizeName(n int) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d B", n)
}

// A host is what the figures were taken on.
type host struct {
	CPU        string `json:"cpu"`
	Cores      int    `json:"cores"`
	GOMAXPROCS int    `json:"gomaxprocs"`
	Go         string `json:"go"`
	OS         string `json:"os"`
	Arch       string `json:"arch"`
	Cgo        bool   `json:"cgo"`
	Race       bool   `json:"race"`
}

func machine() host {
	h := host{
		CPU:        cpuModel(),
		Cores:      runtime.NumCPU(),
		GOMAXPROCS: runtime.GOMAXPROCS(0),
		Go:         runtime.Version(),
		OS:         runtime.GOOS,
		Arch:       runtime.GOARCH,
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "CGO_ENABLED":
				h.Cgo = s.Value == "1"
			case "-race":
				h.Race = s.Value == "true"
			}
		}
	}
	return h
}

func (h host) String() string {
	s := fmt.Sprintf("%s, %d cores (GOMAXPROCS=%d), %s %s/%s", h.CPU, h.Cores, h.GOMAXPROCS, h.Go, h.OS, h.Arch)
	if !h.Cgo || h.Race {
		s += ", cmem over Go memory: this build has no cgo, or the race detector"
	}
	return s
}

// cpuModel is the processor's name where Linux tells it.
func cpuModel() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown CPU"
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown CPU"
}
