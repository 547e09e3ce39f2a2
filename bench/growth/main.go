// Growth measures how the cost of an allocation and its free grows with what grows in a service:
// live blocks, goroutines, the blocks' sizes, threads, and the free runs, spans and regions of the
// page heap. Each curve is measured in a process of its own, a second instance of this program, so
// that none inherits another's heap, in each round anew: the rounds of a point lie minutes apart,
// so that what disturbs the machine for a while disturbs few of them.
//
//	go run ./bench/growth                     all curves, some 4 minutes
//	go run ./bench/growth -only live,extent   two of them
//	go run ./bench/growth -help               the flags and the curves
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gocmem/cmem/bench/internal/bench"
	"github.com/gocmem/cmem/internal/ending"
)

const exitUsage = 2

// childEnv, where it is set, makes the program measure one curve and print it as JSON.
const childEnv = "CMEM_GROWTH_CURVE"

func main() {
	if os.Getenv(childEnv) != "" {
		os.Exit(childMain(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// config is what the command line sets.
type config struct {
	only   []*curve
	rounds int
	time   time.Duration
	max    int // 0: the curve's own
	json   string
	svg    string
}

func parse(args []string, stderr io.Writer) (*config, error) {
	var (
		c    config
		only string
	)
	fs := flag.NewFlagSet("growth", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // run prints the error, once
	fs.StringVar(&only, "only", "", "measure only these curves, a `LIST` separated by commas")
	fs.IntVar(&c.rounds, "rounds", 7, "measure each curve `N` times, in turn; the figures are medians")
	fs.DurationVar(&c.time, "time", 2*time.Millisecond, "a sample takes about `D`, or one operation")
	fs.IntVar(&c.max, "max", 0, "let what grows be `N` at most (default: the curve's, see below)")
	fs.StringVar(&c.json, "json", "", "write the results to `FILE` too")
	fs.StringVar(&c.svg, "svg", "", "draw growth.svg in `FOLDER`")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			usage(fs, stderr)
		}
		return nil, err
	}
	set := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { set[f.Name] = true })
	switch {
	case fs.NArg() > 0:
		return nil, fmt.Errorf("argument %q: expected flags only", fs.Arg(0))
	case c.rounds < 1:
		return nil, fmt.Errorf("-rounds %d: expected 1 or more", c.rounds)
	case c.time <= 0:
		return nil, fmt.Errorf("-time %v: expected a duration above 0, such as 2ms", c.time)
	case set["max"] && c.max < 1:
		return nil, fmt.Errorf("-max %d: expected 1 or more", c.max)
	}
	if err := c.checkFiles(); err != nil {
		return nil, err
	}
	return &c, c.choose(only)
}

// checkFiles finds out before the minutes of measuring that there is no place for the results.
func (c *config) checkFiles() error {
	for name, folder := range map[string]string{"svg": c.svg, "json": filepath.Dir(c.json)} {
		if folder == "" {
			continue
		}
		if info, err := os.Stat(folder); err != nil {
			return fmt.Errorf("-%s: %w", name, err)
		} else if !info.IsDir() {
			return fmt.Errorf("-%s: %s: expected a folder", name, folder)
		}
	}
	return nil
}

// choose finds the curves of a list of names, all where there are none.
func (c *config) choose(list string) error {
	c.only = curves
	if list == "" {
		return nil
	}
	c.only = nil
	for _, name := range strings.Split(list, ",") {
		i := slices.IndexFunc(curves, func(cu *curve) bool { return cu.name == name })
		if i < 0 {
			return fmt.Errorf("-only: no curve %q; expected some of %s", name, strings.Join(names(), ","))
		}
		c.only = append(c.only, curves[i])
	}
	return nil
}

func names() (all []string) {
	for _, cu := range curves {
		all = append(all, cu.name)
	}
	return all
}

func usage(fs *flag.FlagSet, w io.Writer) {
	fmt.Fprintf(w, "usage: growth [flag...]\n\nCurves, and how far they go:\n")
	for _, cu := range curves {
		fmt.Fprintf(w, "  %-13s %s (%d)\n", cu.name, cu.about, cu.max)
	}
	fmt.Fprintf(w, "\nFlags:\n")
	fs.SetOutput(w)
	fs.PrintDefaults()
}

// run is the program; it returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	c, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "growth: %v\ngrowth: -help lists flags and curves\n", err)
		return exitUsage
	}
	if err := c.measure(stdout); err != nil {
		fmt.Fprintln(stderr, "growth:", err)
		return 1
	}
	return 0
}

func (c *config) measure(stdout io.Writer) error {
	rep := report{Machine: bench.ThisHost(), Rounds: c.rounds, RoundTime: c.time.String()}
	fmt.Fprintf(stdout, "%v\nns, medians of %d rounds, of %d samples of %v each\n", rep.Machine, c.rounds, samples, c.time)
	all, err := c.measureAll(stdout)
	if err != nil {
		return err
	}
	rep.Curves = all
	for _, res := range all {
		if err := res.print(stdout); err != nil {
			return err
		}
	}
	return rep.write(c.json, c.svg)
}

// measureAll measures the curves, in turn, and returns the medians.
func (c *config) measureAll(stdout io.Writer) (all []*result, err error) {
	measured := slices.DeleteFunc(slices.Clone(c.only), func(cu *curve) bool { return cu.needsC && !haveC })
	for _, cu := range c.only {
		if !slices.Contains(measured, cu) {
			fmt.Fprintf(stdout, "%s is left out: it is about libcmem, which needs cgo on Linux, and no race detector\n", cu.name)
		}
	}
	rounds := make([][]*result, len(measured))
	for range c.rounds {
		for i, cu := range measured {
			res, err := c.child(cu)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", cu.name, err)
			}
			rounds[i] = append(rounds[i], res)
		}
	}
	for _, r := range rounds {
		all = append(all, medians(r))
	}
	return all, nil
}

// child measures the curve in another process.
func (c *config) child(cu *curve) (*result, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(exe, "-only", cu.name, "-time", c.time.String())
	if c.max > 0 {
		cmd.Args = append(cmd.Args, "-max", fmt.Sprint(c.max))
	}
	var out, errOut bytes.Buffer
	cmd.Env = append(os.Environ(), childEnv+"=1")
	cmd.Stdout, cmd.Stderr = &out, &errOut
	ending.Bind(cmd)
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, strings.TrimSpace(errOut.String()))
	}
	res := new(result)
	return res, json.Unmarshal(out.Bytes(), res)
}

// childMain measures the one curve that its flags name.
func childMain(args []string, stdout, stderr io.Writer) int {
	c, err := parse(args, stderr)
	if err == nil {
		res := &result{Name: c.only[0].name, About: c.only[0].about}
		if err = c.only[0].measure(c, res); err == nil {
			err = json.NewEncoder(stdout).Encode(res)
		}
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}
