//go:build linux

// Package figures puts a study into tables, words and pictures.
package figures

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// A Table is one, for any medium. Its first column and those named in Words hold words; the others hold figures.
type Table struct {
	Title string
	Head  []string
	Words map[int]bool
	Rows  [][]string
}

// WriteText writes it in columns, words to the left and figures to the right.
func (t *Table) WriteText(out io.Writer) error {
	lines := append([][]string{t.Head}, t.Rows...)
	widths := make([]int, len(t.Head))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var text strings.Builder
	if t.Title != "" {
		fmt.Fprintln(&text, t.Title)
	}
	for _, line := range lines {
		var row strings.Builder
		for i, cell := range line {
			blank := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if t.words(i) {
				cell += blank
			} else {
				cell = blank + cell
			}
			row.WriteString(cell + "  ")
		}
		fmt.Fprintln(&text, strings.TrimRight(row.String(), " "))
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// WriteMarkdown writes it as GitHub's Markdown has tables.
func (t *Table) WriteMarkdown(out io.Writer) error {
	var text strings.Builder
	if t.Title != "" {
		fmt.Fprintf(&text, "%s\n\n", t.Title)
	}
	marks := make([]string, len(t.Head))
	for i := range marks {
		marks[i] = "---:"
		if t.words(i) {
			marks[i] = "---"
		}
	}
	for _, line := range append([][]string{t.Head, marks}, t.Rows...) {
		fmt.Fprintf(&text, "| %s |\n", strings.Join(escapeBars(line), " | "))
	}
	_, err := io.WriteString(out, text.String())
	return err
}

func (t *Table) words(column int) bool { return column == 0 || t.Words[column] }

// IsWords is for the template of the HTML page.
func (t *Table) IsWords(column int) bool { return t.words(column) }

func escapeBars(cells []string) []string {
	escaped := make([]string, len(cells))
	for i, cell := range cells {
		escaped[i] = strings.ReplaceAll(cell, "|", `\|`)
	}
	return escaped
}
