package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gocmem/cmem/examples/recycle/modes"
)

// config is what the flags say.
type config struct {
	modes []string
	set   []string // the flags that a child is to be given: all that were set but the modes and the files

	steady, burstFor, after, silence, age time.Duration
	rate, live, burst                     int
	seed                                  uint64

	out, csv, svg string
}

// parseFlags reads the command line. Help that was asked for goes to w, and the error is then flag.ErrHelp.
func parseFlags(args []string, w io.Writer) (*config, error) {
	c := &config{
		steady: 60 * time.Second, burstFor: 10 * time.Second, after: 90 * time.Second, silence: 30 * time.Second,
		age: time.Minute, rate: 100, live: 20, burst: 100,
	}
	fs := flag.NewFlagSet("recycle", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // main prints the error
	list := fs.String("mode", "all", "`modes` to run, between commas")
	fs.Var(&seconds{&c.steady, shortest}, "seconds", "`seconds` of steady traffic")
	fs.Var(&whole{&c.rate, 1, 100_000}, "rate", "`buffers` replaced a second; the article had 1")
	fs.Var(&whole{&c.live, 1, 10_000}, "live", "`buffers` held at a time")
	fs.Var(&whole{&c.burst, 0, 10_000}, "burst", "`buffers` held in the burst; 0 for no burst")
	fs.Var(&seconds{&c.burstFor, 0}, "burst-seconds", "`seconds` of burst; 0 for no burst")
	fs.Var(&seconds{&c.after, 0}, "after", "`seconds` of steady traffic after the burst")
	fs.Var(&seconds{&c.silence, 0}, "silence", "`seconds` of silence at the end, with every buffer given back")
	fs.Var(&seconds{&c.age, shortest}, "age", "`seconds` after which recyclers drop an idle buffer")
	fs.Uint64Var(&c.seed, "seed", 1, "`number` that the random sequence is made from, the same for every mode")
	fs.StringVar(&c.out, "out", filepath.Join("demo-out", "recycle"), "`directory` for the results")
	fs.StringVar(&c.csv, "csv", "",
		"`file` for one mode's samples (default MODE.csv in -out); - is standard output, and the table goes to standard "+
			"error then")
	fs.StringVar(&c.svg, "svg", "", "`file` for one mode's chart (default MODE.svg in -out)")

	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(w, "Flags of recycle:\n")
			fs.SetOutput(w)
			fs.PrintDefaults()
			fmt.Fprint(w, "Modes:\n", modes.About())
		}
		return nil, err
	}
	if fs.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q: everything is set by flags", fs.Arg(0))
	}
	var err error
	if c.modes, err = modes.Select(*list); err != nil {
		return nil, fmt.Errorf("-mode: %w", err)
	}
	fs.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "mode", "out", "csv", "svg":
		default:
			c.set = append(c.set, "-"+f.Name+"="+f.Value.String())
		}
	})
	return c, c.check()
}

// check looks at what a flag alone does not show, and fills in the files' names.
func (c *config) check() error {
	if c.burst > 0 && c.burst <= c.live {
		return fmt.Errorf("-burst %d: expected more buffers than -live (%d), or 0 for no burst", c.burst, c.live)
	}
	if len(c.modes) > 1 {
		for name, file := range map[string]string{"csv": c.csv, "svg": c.svg} {
			if file != "" {
				return fmt.Errorf("-%s %q: expected a single -mode with it; -out is the directory for several", name, file)
			}
		}
		return nil
	}
	switch c.csv {
	case "":
		c.csv = c.file(c.modes[0] + ".csv")
	case "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1": // opened anew, a file would be written over from its start
		c.csv = stdoutName
	}
	if c.svg == "" {
		c.svg = c.file(c.modes[0] + ".svg")
	}
	return nil
}

// stdoutName stands for standard output where a file is expected.
const stdoutName = "-"

// file is the path of a result.
func (c *config) file(name string) string { return filepath.Join(c.out, name) }

// The bounds of a length of time that must not be 0.
const (
	shortest = 100 * time.Millisecond
	longest  = 24 * time.Hour
)

// seconds is a flag's value: a length of time as a number of seconds.
type seconds struct {
	d   *time.Duration
	min time.Duration
}

func (v *seconds) Set(s string) error {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f >= v.min.Seconds() && f <= longest.Seconds()) { // so that NaN fails too
		return fmt.Errorf("expected a number of seconds from %g to %g, such as 30 or 2.5", v.min.Seconds(), longest.Seconds())
	}
	*v.d = time.Duration(f * float64(time.Second))
	return nil
}

// String is the empty string for package flag's zero value.
func (v *seconds) String() string {
	if v.d == nil {
		return ""
	}
	return strconv.FormatFloat(v.d.Seconds(), 'g', -1, 64)
}

// whole is a flag's value: a whole number within bounds.
type whole struct {
	n        *int
	min, max int
}

func (v *whole) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < v.min || n > v.max {
		return fmt.Errorf("expected a whole number from %d to %d", v.min, v.max)
	}
	*v.n = n
	return nil
}

// String is the empty string for package flag's zero value.
func (v *whole) String() string {
	if v.n == nil {
		return ""
	}
	return strconv.Itoa(*v.n)
}
