//go:build linux

package figures

import (
	"bytes"
	_ "embed"
	"html/template"
	"io"
	"strings"

	"github.com/gocmem/cmem/go/cmd/cmem/internal/study"
	"github.com/gocmem/cmem/go/vsz"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// pageData is what the template shows.
type pageData struct {
	Title, Machine string
	Chart          template.HTML
	Tables         []Table // the variants, then those that are not empty
	NotMeasured    []string
	NetLines       []Answer
	Why            []Answer
	Kinds          []vsz.Kind
	NoSyscalls     string
}

// WriteHTML writes a page of its own, with the chart and all tables in it.
func WriteHTML(out io.Writer, r *study.Result) error {
	var chart bytes.Buffer
	if err := WriteSVG(&chart, r); err != nil {
		return err
	}
	// Without the XML declaration, which has no place inside a page.
	_, svg, _ := strings.Cut(chart.String(), "<svg")
	data := pageData{
		Title: Title(r), Machine: Machine(r), Chart: template.HTML("<svg" + svg), NotMeasured: NotMeasured(r),
		NetLines: NetLines(r),
		Why:      Why(r), Kinds: occurring(measured(r)), NoSyscalls: NoSyscalls(r),
	}
	for _, t := range []Table{Variants(r), Kinds(r), WhatIf(r), Syscalls(r)} {
		if len(t.Rows) > 0 {
			data.Tables = append(data.Tables, t)
		}
	}
	return page.Execute(out, data)
}

// Title names the program.
func Title(r *study.Result) string { return "Virtual memory of " + r.Program }
