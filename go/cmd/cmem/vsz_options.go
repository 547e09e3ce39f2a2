//go:build linux

package main

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gocmem/cmem/go/cmd/cmem/internal/growth"
	"github.com/gocmem/cmem/go/cmd/cmem/internal/study"
	"github.com/gocmem/cmem/go/vsz"
)

// vszOptions is what the command line says.
type vszOptions struct {
	variants, loads []string
	ready, requests []string
	args            []string

	list, quiet bool
	trace       traceOptions
	pid         int
	output      output
	old         string // file of an earlier study
	bounds      growth.Bounds

	config study.Config // check completes it
}

func (o *vszOptions) addFlags(f *pflag.FlagSet) {
	f.SortFlags = false
	run := &o.config.Measure.Run
	f.StringSliceVar(&o.variants, "variants", nil,
		"`names` of variants, separated by commas; the first row is what the others are compared with (default all; see "+
			"--list)")
	f.BoolVar(&o.list, "list", false, "list variants, loads and the settings of --what-if")
	f.BoolVar(&o.config.Lean, "lean", false, "measure each variant that has cgo with cmem/lean compiled in, too")
	f.StringSliceVar(&o.loads, "load", nil,
		"start threads before main, such as cgo-threads=64; several `loads`, separated by commas, make several rows (see "+
			"--list)")
	f.BoolVar(&o.config.WhatIf, "what-if", false,
		"run the first variant with cgo again with other settings, three times at least, and show what each removes")

	f.StringArrayVar(&o.ready, "ready", nil,
		"`when` the program is ready: a time since its start (2s), an address that it listens on (:8080), or a regular "+
			"expression for a line that it prints; if repeated all must hold")
	f.StringArrayVar(&o.requests, "request", nil,
		"fetch a `URL` when it is ready, or a path at the address of --ready; $1 is what the first group of the "+
			"expression matched (repeatable)")
	f.StringArrayVar(&o.args, "args", nil, "an `argument` for the program (repeatable); or write all behind --")
	f.StringArrayVar(&run.Env, "env", nil, "`NAME=VALUE` for the program's environment (repeatable)")
	f.StringVar(&run.Dir, "dir", "", "`folder` to run it in (default the current one)")
	f.StringVar(&run.Stdin, "stdin", "", "`text` that is typed at its standard input")
	f.BoolVar(&run.StdinEOF, "stdin-eof", false, "end its standard input after that")
	f.DurationVar(&run.Ready.Timeout, "timeout", 30*time.Second, "fail when it is not ready after that `time`")
	f.DurationVar(&o.config.Measure.Settle, "settle", vsz.DefaultSettle, "measure it that `time` after it is ready")
	f.IntVar(&o.config.Runs, "runs", 3, "run each variant `N` times and show the run nearest to the medians of all kinds")
	f.BoolVar(&o.config.Measure.Resolver, "resolver", true, "run it once more to see which resolver it takes")
	f.BoolVar(&o.config.Measure.Syscalls, "syscalls", true,
		"run it once more under strace, where there is one, to count the calls that make mappings")

	f.StringSliceVar(&o.trace.names, "trace", nil,
		"run two `variants`, separated by a comma, under strace, and show their system calls side by side up to where "+
			"they agree again, instead; two packages may be named then, one for each")
	f.IntVar(&o.pid, "pid", 0, "explain the running process of that `number`, instead")
	o.output.addFlags(f)
	f.StringVar(&o.old, "compare", "",
		"`file` of an earlier --json: exit status 1 where a figure has grown past its bound")
	o.bounds = growth.Bounds{VSZ: growth.Percent(1), RSS: growth.Percent(25)}
	f.Var(&o.bounds.VSZ, "max-vsz-growth", "bound for VSZ: percent, or KiB, MiB or GiB")
	f.Var(&o.bounds.RSS, "max-rss-growth",
		"bound for RSS, which depends on how much of the executable the page cache has, too")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "show no progress")
}

// check finds the mistakes that a flag alone does not show, and completes the configuration.
func (o *vszOptions) check(cmd *cobra.Command, args []string) error {
	pkgs, programArgs := args, []string(nil)
	if n := cmd.ArgsLenAtDash(); n >= 0 {
		pkgs, programArgs = args[:n], args[n:]
	}
	switch {
	case o.list:
		return nil
	case cmd.Flags().Changed("pid"):
		return o.checkPID(cmd, args)
	case cmd.Flags().Changed("trace"):
		o.config.Measure.Run.Args = slices.Concat(o.args, programArgs)
		return errors.Join(o.checkTrace(cmd, pkgs), o.checkNumbers(cmd), o.checkReady(), o.checkEnv())
	case o.output.maps:
		return errors.New("--maps goes with --pid")
	case len(pkgs) == 0:
		return errors.New("expected a package: a folder or import path of a main package, or --pid with the number of a " +
			"process")
	case len(pkgs) > 1:
		return fmt.Errorf("%d packages (%s): expected one; arguments for the program go behind --", len(pkgs),
			strings.Join(pkgs, ", "))
	}
	o.config.Package = pkgs[0]
	o.config.Measure.Run.Args = slices.Concat(o.args, programArgs)
	return errors.Join(o.checkNumbers(cmd), o.checkVariants(), o.checkReady(), o.checkEnv(), o.output.check())
}

// checkPID refuses what says how to build or run a program.
func (o *vszOptions) checkPID(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("--pid explains a process: expected no package, not %q", args[0])
	}
	if o.pid <= 0 {
		return fmt.Errorf("--pid %d: expected the number of a process", o.pid)
	}
	var err error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Name != "pid" && f.Name != "quiet" && !o.output.has(f.Name) {
			err = fmt.Errorf("--%s says how to build, run or compare a program, and does not go with --pid", f.Name)
		}
	})
	return errors.Join(err, o.output.check())
}

func (o *vszOptions) checkNumbers(cmd *cobra.Command) error {
	switch {
	case o.config.Runs < 1:
		return fmt.Errorf("--runs %d: expected at least 1", o.config.Runs)
	case o.config.Measure.Run.Ready.Timeout <= 0:
		return fmt.Errorf("--timeout %v: expected a time such as 30s", o.config.Measure.Run.Ready.Timeout)
	case o.config.Measure.Settle <= 0:
		return fmt.Errorf("--settle %v: expected a time such as 1.2s", o.config.Measure.Settle)
	case o.old == "" && (cmd.Flags().Changed("max-vsz-growth") || cmd.Flags().Changed("max-rss-growth")):
		return errors.New("--max-vsz-growth and --max-rss-growth go with --compare")
	}
	return nil
}

func (o *vszOptions) checkVariants() error {
	o.config.Variants = vsz.Variants()
	if len(o.variants) > 0 {
		o.config.Variants = nil
	}
	seen := make(map[string]bool)
	for _, name := range o.variants {
		v, err := vsz.LookupVariant(strings.TrimSpace(name))
		if err != nil {
			return fmt.Errorf("--variants: %w", err)
		}
		if seen[v.Name] {
			return fmt.Errorf("--variants: %s is there twice", v.Name)
		}
		seen[v.Name] = true
		o.config.Variants = append(o.config.Variants, v)
	}
	for _, name := range o.loads {
		l, err := parseLoad(name)
		if err != nil {
			return fmt.Errorf("--load: %w", err)
		}
		if slices.Contains(o.config.Loads, l) {
			return fmt.Errorf("--load: %s is there twice", name)
		}
		o.config.Loads = append(o.config.Loads, l)
	}
	return nil
}

func (o *vszOptions) checkEnv() error {
	for _, e := range o.config.Measure.Run.Env {
		if name, _, ok := strings.Cut(e, "="); !ok || name == "" {
			return fmt.Errorf("--env %q: expected NAME=VALUE", e)
		}
	}
	return nil
}

// checkReady reads the conditions, and what is requested then.
func (o *vszOptions) checkReady() error {
	run := &o.config.Measure.Run
	for _, text := range o.ready {
		if err := setReady(&run.Ready, text); err != nil {
			return err
		}
	}
	if run.Ready.After >= run.Ready.Timeout {
		return fmt.Errorf("--ready %v: expected less than --timeout, %v", run.Ready.After, run.Ready.Timeout)
	}
	for _, url := range o.requests {
		switch {
		case !strings.HasPrefix(url, "/"):
		case run.Ready.Addr == "":
			return fmt.Errorf("--request %s: a path needs the address, by --ready HOST:PORT; or expected a URL, in which $1 "+
				"may stand for what the first group of --ready's expression matched", url)
		default:
			url = "http://" + run.Ready.Addr + url
		}
		run.Requests = append(run.Requests, url)
	}
	return nil
}

// address matches what is an address and no regular expression that anybody would write.
var address = regexp.MustCompile(`^(?:([\w.-]*|\[[0-9a-fA-F:]+\]):)?(\d+)$`)

// setReady adds a condition: its form tells which one it is.
func setReady(r *vsz.Ready, text string) error {
	if after, err := time.ParseDuration(text); err == nil {
		if r.After != 0 || after <= 0 {
			return fmt.Errorf("--ready %s: expected one time, longer than nothing", text)
		}
		r.After = after
		return nil
	}
	if m := address.FindStringSubmatch(text); m != nil {
		if port, err := strconv.ParseUint(m[2], 10, 16); err != nil || port == 0 || r.Addr != "" {
			return fmt.Errorf("--ready %s: expected one address, with a port from 1 to 65535", text)
		}
		host := strings.Trim(m[1], "[]")
		if host == "" {
			host = "localhost"
		}
		r.Addr = net.JoinHostPort(host, m[2])
		return nil
	}
	line, err := regexp.Compile(text)
	if err != nil {
		return fmt.Errorf("--ready: expected a time (2s), an address (:8080) or a regular expression: %w", err)
	}
	if r.Line != nil || text == "" {
		return fmt.Errorf("--ready %q: expected one regular expression, that is not empty", text)
	}
	r.Line = line
	return nil
}
