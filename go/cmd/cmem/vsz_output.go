//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/pflag"

	"github.com/gocmem/cmem/go/cmd/cmem/internal/figures"
	"github.com/gocmem/cmem/go/cmd/cmem/internal/study"
)

// stdoutName stands for standard output where a file is expected.
const stdoutName = "-"

// output is where results go: files, or standard output.
type output struct {
	json, csv, markdown string
	svg, html           string
	kinds, maps         bool
}

func (o *output) addFlags(f *pflag.FlagSet) {
	f.BoolVar(&o.kinds, "kinds", false, "show the table of all kinds of mappings, too")
	f.BoolVar(&o.maps, "maps", false, "with --pid: show each mapping, and how its kind was told")
	f.StringVar(&o.json, "json", "", "write JSON to a `file`, or to standard output in place of the table: -")
	f.StringVar(&o.csv, "csv", "", "write CSV to a `file` or -")
	f.StringVar(&o.markdown, "markdown", "", "write table and reasons as Markdown to a `file` or -")
	f.StringVar(&o.svg, "svg", "",
		"write a picture to a `file`: for each variant its kinds as a stacked bar, virtual beside resident")
	f.StringVar(&o.html, "html", "", "write a page with picture and tables to a `file`")
}

// has tells whether a flag is one of these.
func (o *output) has(flag string) bool {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	new(output).addFlags(f)
	return f.Lookup(flag) != nil
}

// check refuses files that cannot be written, before the work is done.
func (o *output) check() error {
	var stdout []string
	for _, f := range o.formats() {
		switch {
		case f.file == "":
		case f.file != stdoutName:
			if info, err := os.Stat(filepath.Dir(f.file)); err != nil || !info.IsDir() {
				return fmt.Errorf("--%s %s: there is no folder %s", f.flag, f.file, filepath.Dir(f.file))
			}
		case !f.toStdout:
			return fmt.Errorf("--%s -: expected a file", f.flag)
		default:
			stdout = append(stdout, "--"+f.flag)
		}
	}
	if len(stdout) > 1 {
		return fmt.Errorf("%s and %s: expected one of them for standard output", stdout[0], stdout[1])
	}
	return nil
}

// format is one of the forms in which results are written.
type format struct {
	flag, file string
	toStdout   bool
	write      func(io.Writer, *study.Result) error
}

func (o *output) formats() []format {
	return []format{
		{"json", o.json, true, writeJSON},
		{"csv", o.csv, true, func(out io.Writer, r *study.Result) error { return figures.WriteCSV(out, r.Variants) }},
		{"markdown", o.markdown, true, figures.WriteMarkdown},
		{"svg", o.svg, false, figures.WriteSVG},
		{"html", o.html, false, figures.WriteHTML},
	}
}

// write writes all that was asked for, and the tables to standard output where nothing else goes there.
func (o *output) write(stdout io.Writer, r *study.Result) error {
	var errs []error
	if !o.usesStdout() {
		errs = append(errs, figures.WriteText(stdout, r, o.kinds))
	}
	for _, f := range o.formats() {
		if f.file != "" {
			errs = append(errs, writeTo(stdout, f.file, func(out io.Writer) error { return f.write(out, r) }))
		}
	}
	return errors.Join(errs...)
}

func (o *output) usesStdout() bool {
	return slices.ContainsFunc(o.formats(), func(f format) bool { return f.file == stdoutName })
}

// writeTo writes to a file, or to standard output.
func writeTo(stdout io.Writer, name string, write func(io.Writer) error) error {
	if name == stdoutName {
		return write(stdout)
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

func writeJSON(out io.Writer, r *study.Result) error { return encodeJSON(out, r) }

func encodeJSON(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
