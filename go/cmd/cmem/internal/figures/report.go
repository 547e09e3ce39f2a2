//go:build linux

package figures

import (
	"fmt"
	"io"
	"strings"

	"github.com/gocmem/cmem/go/cmd/cmem/internal/study"
)

// Machine says what was run where, and how often.
func Machine(r *study.Result) string {
	runs := "one run of each"
	if r.Runs > 1 {
		runs = fmt.Sprintf("of %d runs of each the one nearest to the medians", r.Runs)
	}
	cpus := "CPUs"
	if r.CPUs == 1 {
		cpus = "CPU"
	}
	return fmt.Sprintf("%s, %s, %d %s; %s", r.Go, r.Kernel, r.CPUs, cpus, runs)
}

// netLinesTitle is the heading of NetLines.
const netLinesTitle = "what package net says under GODEBUG=netdns=1"

// WriteText writes the tables and the reasons for a terminal; the table of kinds if asked.
func WriteText(out io.Writer, r *study.Result, kinds bool) error {
	w := &writer{out: out}
	w.printf("%s\n%s\n\n", r.Program, Machine(r))
	w.table(Variants(r))
	w.lines("\nnot measured:\n", "  ", NotMeasured(r))
	if kinds {
		w.printf("\n")
		w.table(Kinds(r))
	}
	for _, t := range []Table{WhatIf(r), Syscalls(r)} {
		if len(t.Rows) > 0 {
			w.printf("\n")
			w.table(t)
		}
	}
	if no := NoSyscalls(r); no != "" {
		w.printf("\n%s\n", no)
	}
	if lines := NetLines(r); len(lines) > 0 {
		w.printf("\n%s:\n", netLinesTitle)
		for _, a := range lines {
			w.lines(a.About+"\n", "    ", a.Lines)
		}
	}
	w.printf("\nwhy:\n")
	for _, a := range Why(r) {
		w.lines(a.About+"\n", "    ", a.Lines)
	}
	return w.err
}

// WriteMarkdown writes the tables as Markdown, and the reasons folded away behind them.
func WriteMarkdown(out io.Writer, r *study.Result) error {
	w := &writer{out: out, markdown: true}
	w.table(Variants(r))
	w.lines("\nNot measured:\n\n", "- ", NotMeasured(r))
	if t := WhatIf(r); len(t.Rows) > 0 {
		w.printf("\n")
		w.table(t)
	}
	if lines := NetLines(r); len(lines) > 0 {
		w.printf("\nW%s:\n\n", netLinesTitle[1:])
		for _, a := range lines {
			w.printf("- %s: `%s`\n", a.About, strings.Join(a.Lines, "`, `"))
		}
	}
	w.printf("\n<details><summary>Why (%s)</summary>\n\n", Machine(r))
	for _, a := range Why(r) {
		w.printf("- %s\n", a.About)
		w.lines("", "  - ", a.Lines)
	}
	w.printf("\n</details>\n")
	return w.err
}

// writer keeps the first error.
type writer struct {
	out      io.Writer
	markdown bool
	err      error
}

func (w *writer) printf(format string, args ...any) {
	if w.err == nil {
		_, w.err = fmt.Fprintf(w.out, format, args...)
	}
}

func (w *writer) table(t Table) {
	switch {
	case w.err != nil:
	case w.markdown:
		w.err = t.WriteMarkdown(w.out)
	default:
		w.err = t.WriteText(w.out)
	}
}

// lines writes a heading and lines, or nothing where there are none.
func (w *writer) lines(heading, indent string, lines []string) {
	if len(lines) > 0 {
		w.printf("%s%s%s\n", heading, indent, strings.Join(lines, "\n"+indent))
	}
}
