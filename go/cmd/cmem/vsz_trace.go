//go:build linux

package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gocmem/cmem/go/cmd/cmem/internal/figures"
	"github.com/gocmem/cmem/go/cmd/cmem/internal/study"
	"github.com/gocmem/cmem/go/vsz"
)

// traceOptions is what --trace asks for.
type traceOptions struct {
	names    []string
	wanted   bool
	variants [2]vsz.Variant
	packages [2]string
}

// traceFlags are those that go with --trace: how the programs are run.
var traceFlags = []string{"trace", "ready", "request", "args", "env", "dir", "stdin", "stdin-eof", "timeout", "quiet"}

// checkTrace completes the options, and refuses what goes with measuring only.
func (o *vszOptions) checkTrace(cmd *cobra.Command, pkgs []string) error {
	t := &o.trace
	t.wanted = true
	if len(t.names) != 2 {
		return fmt.Errorf("--trace %s: expected two variants, such as nocgo,default", strings.Join(t.names, ","))
	}
	switch len(pkgs) {
	case 1:
		t.packages = [2]string{pkgs[0], pkgs[0]}
	case 2:
		t.packages = [2]string{pkgs[0], pkgs[1]}
	default:
		return fmt.Errorf("--trace with %d packages: expected one, or one for each variant; arguments for the program go "+
			"behind --", len(pkgs))
	}
	var errs []error
	for i, name := range t.names {
		v, err := vsz.LookupVariant(strings.TrimSpace(name))
		if err != nil {
			errs = append(errs, fmt.Errorf("--trace: %w", err))
		}
		t.variants[i] = v
	}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if !slices.Contains(traceFlags, f.Name) {
			errs = append(errs, fmt.Errorf("--%s does not go with --trace, which measures nothing", f.Name))
		}
	})
	return errors.Join(errs...)
}

// traceVariants shows where the system calls of two variants differ.
func traceVariants(cmd *cobra.Command, o *vszOptions) error {
	show := newProgress(cmd.ErrOrStderr(), o.quiet)
	cfg := o.config
	cfg.Progress = show.doing
	sides, err := study.Trace(cmd.Context(), cfg, o.trace.packages, o.trace.variants)
	show.done()
	if err != nil {
		return err
	}
	return figures.WriteTrace(cmd.OutOrStdout(), sides)
}
