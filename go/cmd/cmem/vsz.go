//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/gocmem/cmem/go/cmd/cmem/internal/study"
	"github.com/gocmem/cmem/go/vsz"
)

func vszCommand() *cobra.Command {
	o := new(vszOptions)
	cmd := &cobra.Command{
		Use:   "vsz [flags] PACKAGE [-- ARGUMENT...]",
		Short: "What cgo costs in virtual memory: build every variant, measure, explain",
		Long: `Build a main package in variants (with and without cgo, with the resolver of Go or of libc, static, pie ...),
run each, measure its virtual and resident memory, and say what makes up the differences from the first row.

PACKAGE is a folder, of this module or another, or an import path that the current module can resolve. The program runs
with its standard input open, as at a terminal where nobody types, and is killed when it has been measured. By default
it is measured when it has run for a second; --ready says better when it is ready.

Exit status: 0; 1 where --compare found growth; 2 for anything that failed; 128 + N where signal N ended it. Whichever
way it ends, it leaves no process and no temporary file.`,
		Example: `  cmem vsz ./cmd/server --ready :8080 --request /health
  cmem vsz . --ready 'listening on (\S+)' --request 'http://$1/' --what-if
  cmem vsz . --variants nocgo,default --lean --load none,cgo-threads=64
  cmem vsz . --runs 5 --json vsz.json              # and later, in CI:
  cmem vsz . --runs 5 --compare vsz.json --max-vsz-growth 32MiB
  cmem vsz . --trace nocgo,default --ready '^ready'    # where their system calls differ
  cmem vsz --pid 4711`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(cmd, args); err != nil {
				return err
			}
			switch {
			case o.list:
				return listVariants(cmd)
			case o.pid != 0:
				return explainProcess(cmd, o)
			case o.trace.wanted:
				return traceVariants(cmd, o)
			}
			return measureProgram(cmd, o)
		},
	}
	o.addFlags(cmd.Flags())
	return cmd
}

// measureProgram studies the program and shows what came out of it.
func measureProgram(cmd *cobra.Command, o *vszOptions) error {
	old, err := o.readOld()
	if err != nil {
		return err
	}
	show := newProgress(cmd.ErrOrStderr(), o.quiet)
	cfg := o.config
	cfg.Progress = show.doing
	result, err := study.Run(cmd.Context(), cfg)
	show.done()
	if err != nil {
		return err
	}
	if err := o.output.write(cmd.OutOrStdout(), result); err != nil {
		return err
	}
	if err := o.failures(cmd.ErrOrStderr(), result); err != nil || old == nil {
		return err
	}
	return o.compare(cmd.ErrOrStderr(), old, result)
}

// failures is the error of the rows that failed. A variant that nobody asked for by name and that
// does not build, though others do, is one that the program does not have: a library without its
// static archive, say. That is but a note.
func (o *vszOptions) failures(out io.Writer, r *study.Result) error {
	var errs []error
	for _, err := range r.Failures {
		var failed *vsz.BuildError
		if len(o.variants) == 0 && errors.As(err, &failed) {
			fmt.Fprintf(out, "note: %v\n", err)
		} else {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// listVariants prints what --variants, --load and --what-if choose from.
func listVariants(cmd *cobra.Command) error {
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "variants:")
	for _, v := range vsz.Variants() {
		fmt.Fprintf(w, "  %s\t%s\n", v.Name, v.About)
	}
	fmt.Fprintf(w, "  NAME+lean\t%s\n", "one of these with cmem/lean compiled in, where it has cgo")
	fmt.Fprintln(w, "\nloads:")
	for _, l := range loads {
		fmt.Fprintf(w, "  %s\t%s\n", l.name, l.about)
	}
	fmt.Fprintln(w, "\nsettings of --what-if:")
	for _, k := range vsz.Knobs() {
		fmt.Fprintf(w, "  %s\t%s\n", k.Name, k.About)
	}
	return w.Flush()
}

// loads are those of --load.
var loads = []struct{ name, about string }{
	{noLoad, "no threads but the program's own"},
	{string(vsz.CgoThreads) + "=N", "N threads, each blocked in a C function"},
	{string(vsz.MallocThreads) + "=N", "N threads that hold 64 KiB of C's malloc each, and are blocked in C"},
	{string(vsz.CmemThreads) + "=N", "N threads that hold 64 KiB of cmem each, and are blocked in a system call"},
	{string(vsz.GoThreads) + "=N", "N threads, each blocked in a system call, without cgo"},
}

// noLoad is no load, among others.
const noLoad = "none"

func parseLoad(s string) (vsz.Load, error) {
	if s == noLoad {
		return vsz.Load{}, nil
	}
	l, err := vsz.ParseLoad(strings.TrimSpace(s))
	if err != nil {
		return l, fmt.Errorf("%w, or %s", err, noLoad)
	}
	return l, nil
}
