//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/gocmem/cmem/go/cmd/cmem/internal/study"
	"github.com/gocmem/cmem/go/vsz"
)

// explainProcess explains a running process.
func explainProcess(cmd *cobra.Command, o *vszOptions) error {
	e, err := vsz.Explain(o.pid)
	if err != nil {
		return err
	}
	var errs []error
	stdout := cmd.OutOrStdout()
	if !o.output.usesStdout() {
		errs = append(errs, printExplanation(stdout, e, o.output.maps))
	}
	r := oneRow(e)
	for _, f := range o.output.formats() {
		if f.file == "" {
			continue
		}
		if f.flag == "json" {
			f.write = func(out io.Writer, _ *study.Result) error { return encodeJSON(out, e) }
		}
		errs = append(errs, writeTo(stdout, f.file, func(out io.Writer) error { return f.write(out, r) }))
	}
	return errors.Join(errs...)
}

// printExplanation prints the kinds, what those are that one notices, and all mappings if asked.
func printExplanation(out io.Writer, e *vsz.Explanation, maps bool) error {
	if err := e.WriteTable(out); err != nil {
		return err
	}
	fmt.Fprintln(out)
	for _, k := range e.Kinds {
		if k.VSZKiB*100 >= e.VSZKiB || k.RSSKiB*10 >= e.RSSKiB {
			fmt.Fprintf(out, "%s: %s\n", k.Kind, k.Kind.About())
		}
	}
	if !maps {
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "\naddresses\tperms\tKiB\tRSS\tkind\tfile\thow that is known")
	for i := range e.Map {
		m := &e.Map[i]
		fmt.Fprintf(w, "%012x-%012x\t%s\t%d\t%d\t%s\t%s\t%s\n", m.Start, m.End, m.Perms, m.KiB(), m.RSSKiB, m.Kind, m.File,
			m.Reason)
	}
	return w.Flush()
}

// oneRow makes the process a study of one row, for the forms that show rows.
func oneRow(e *vsz.Explanation) *study.Result {
	row := vsz.NewVariantReport(vsz.Variant{Name: fmt.Sprintf("process %d", e.PID)})
	row.Usage, row.Kinds, row.StackKiB = e.Usage, e.Kinds, e.StackKiB
	report := vsz.NewReport(&vsz.Program{Package: e.Program, Go: e.Go})
	report.Variants = append(report.Variants, row)
	return &study.Result{Report: report, Runs: 1}
}
