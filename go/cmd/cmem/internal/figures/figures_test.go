//go:build linux

package figures

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gocmem/cmem/go/cmd/cmem/internal/study"
	"github.com/gocmem/cmem/go/vsz"
)

// row makes one whose kinds sum to its sizes.
func row(name string, kinds ...vsz.KindUsage) vsz.VariantReport {
	r := vsz.NewVariantReport(vsz.Variant{Name: name})
	r.Kinds, r.Linked, r.Resolver, r.BinaryBytes = kinds, "static", "Go", 8_424_296
	for _, k := range kinds {
		r.VSZKiB += k.VSZKiB
		r.RSSKiB += k.RSSKiB
	}
	r.VSZRangeKiB, r.RSSRangeKiB = [2]uint64{r.VSZKiB, r.VSZKiB}, [2]uint64{r.RSSKiB, r.RSSKiB}
	return r
}

func kind(k vsz.Kind, count int, virtual, resident uint64) vsz.KindUsage {
	return vsz.KindUsage{Kind: k, Count: count, VSZKiB: virtual, CommittedKiB: resident, RSSKiB: resident}
}

// sample is a study of a row without cgo, two that have it, and two that failed.
func sample() *study.Result {
	base := []vsz.KindUsage{kind(vsz.GoHeap, 1, 65536, 600), kind(vsz.GoSummaries, 16, 1123456, 24),
		kind(vsz.Binary, 3, 5708, 4848)}
	cgo := append(slices.Clone(base), kind(vsz.GlibcArenas, 4, 262144, 16), kind(vsz.SharedLibs, 2, 2140, 1480))
	first, second, third := row("nocgo", base...), row("default", cgo...), row("netcgo", cgo...)
	second.Libs, second.Resolver, second.Syscalls = []string{"libc.so.6"}, "dynamic",
		map[string]int64{"mmap": 40, vsz.LibrariesOpened: 1}
	third.RSSKiB += 100
	third.Kinds[0].RSSKiB += 100
	first.NetLines = []string{"go package net: using <Go>"}
	second.NetLines, third.NetLines = []string{"go package net: dynamic", "go package net: more"},
		[]string{"go package net: dynamic", "go package net: more"}
	impossible := vsz.FailedVariant(vsz.Variant{Name: "static"}, errors.New("variant static: no <libc.a>\nmore | of it"))
	r := &study.Result{Runs: 3, Report: vsz.Report{
		Program: "example.com/a&b", Go: "go1.26.8", Kernel: "Linux 6.18", CPUs: 2,
		Variants: []vsz.VariantReport{first, second, impossible, third},
	}}
	r.Differences = []vsz.Difference{vsz.Why(&first, &second), vsz.Why(&first, &third)}
	knob := row("default", base...)
	r.WhatIf = &study.WhatIf{Variant: "default", Runs: 3, Without: second, Knobs: []study.KnobRow{
		{Knob: "MALLOC_ARENA_MAX=1", About: "one arena", Row: knob},
		{Knob: "GOGC=50", About: "less garbage", Row: vsz.FailedVariant(vsz.Variant{Name: "default"}, errors.New("it died"))},
	}}
	return r
}

func text(t *testing.T, write func(io.Writer) error) string {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func want(t *testing.T, got string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(got, part) {
			t.Errorf("expected %q in\n%s", part, got)
		}
	}
}

func TestNumbers(t *testing.T) {
	for n, s := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1000: "-1,000", -999: "-999",
		1264060: "1,264,060"} {
		if got := count(n); got != s {
			t.Errorf("count(%d) is %q, expected %q", n, got, s)
		}
	}
	for n, s := range map[int64]string{0: "0", 297272: "+297,272", -256: "-256"} {
		if got := signed(n); got != s {
			t.Errorf("signed(%d) is %q, expected %q", n, got, s)
		}
	}
	for n, s := range map[int64]string{0: "0 KiB", 1468: "+1468 KiB", -2140: "-2140 KiB", 297272: "+290.3 MiB",
		-262144: "-256.0 MiB"} {
		if got := signedSize(n); got != s {
			t.Errorf("signedSize(%d) is %q, expected %q", n, got, s)
		}
	}
}

func TestText(t *testing.T) {
	out := text(t, func(w io.Writer) error { return WriteText(w, sample(), true) })
	want(t, out, "example.com/a&b\ngo1.26.8, Linux 6.18, 2 CPUs; of 3 runs of each the one nearest to the medians\n",
		"not measured:\n  static: no <libc.a>\n", "MALLOC_ARENA_MAX=1  1,194,700  -264,284",
		"GOGC=50                     -         -",
		"default, netcgo: VSZ +258.1 MiB, RSS +1496 KiB to +1596 KiB\n    +4 glibc arenas × 64 MiB reserved, 16 KiB of it "+
			"resident\n",
		"default with MALLOC_ARENA_MAX=1: VSZ -258.1 MiB", "262,144 / 16", "nocgo, the first row: VSZ 1166.7 MiB")
	want(t, out, `
what package net says under GODEBUG=netdns=1:
nocgo
    go package net: using <Go>
default, netcgo
    go package net: dynamic
    go package net: more
`)
	if strings.Contains(out, "more | of it") {
		t.Error("the table has all that a failed tool printed")
	}
	line := regexp.MustCompile(`(?m)^default .*$`).FindString(out)
	if f := strings.Fields(line); !slices.Equal(f[:5], []string{"default", "1,458,984", "+264,284", "6,968", "+1,496"}) {
		t.Errorf("row %q", line)
	}
	if without := text(t, func(w io.Writer) error { return WriteText(w, sample(), false) }); strings.Contains(without,
		"262,144 / 16") {
		t.Error("the table of kinds is there, unasked")
	}
}

// TestChance wants what runs of one program differ by, too, to be called no setting's effect.
func TestChance(t *testing.T) {
	const arena = 65536
	with := func(arenas int, low, high uint64) vsz.VariantReport {
		r := row("default", kind(vsz.GoSummaries, 1, 1_000_000, 0), kind(vsz.GlibcArenas, arenas, uint64(arenas)*arena, 0))
		r.VSZRangeKiB = [2]uint64{1_000_000 + low*arena, 1_000_000 + high*arena}
		return r
	}
	r := sample()
	r.WhatIf = &study.WhatIf{Variant: "default", Runs: 3, Without: with(4, 4, 5), Knobs: []study.KnobRow{
		{Knob: "overlaps", Row: with(6, 5, 6)}, {Knob: "same", Row: with(4, 4, 4)}, {Knob: "one", Row: with(3, 2, 3)},
		{Knob: "two", Row: with(2, 2, 3)},
	}}
	out := text(t, func(w io.Writer) error { return WriteText(w, r, false) })
	for _, line := range []string{
		`none +1,262,144 +0 +for comparison`, `overlaps +1,393,216 +unclear +0 +0`, `same +1,262,144 +0 +0 +0`,
		`one +1,196,608 +-65,536 \? +0 +0`, `two +1,131,072 +-131,072 +0 +0`,
	} {
		if !regexp.MustCompile(`(?m)^` + line).MatchString(out) {
			t.Errorf("no line %q in\n%s", line, out)
		}
	}
	want(t, out, "default with two: VSZ -128.0 MiB", "default with one: VSZ -64.0 MiB",
		"    ? an arena or a thread more or less may be chance",
		"default with overlaps, same: no effect on VSZ that is told from chance\n    without: 1232.6 MiB to 1296.6 MiB\n  "+
			"  overlaps: 1296.6 MiB to 1360.6 MiB\n    same: always 1232.6 MiB")
}

// TestColumns wants words to begin, and figures to end, at the same place in each line.
func TestColumns(t *testing.T) {
	table := Table{Head: []string{"a", "b", "c"}, Words: map[int]bool{2: true},
		Rows: [][]string{{"×x", "1", "y"}, {"z", "234", "wörd"}}}
	const aligned = "a     b  c\n×x    1  y\nz   234  wörd\n"
	if got := text(t, table.WriteText); got != aligned {
		t.Errorf("%q, expected %q", got, aligned)
	}
}

func TestMarkdown(t *testing.T) {
	out := text(t, func(w io.Writer) error { return WriteMarkdown(w, sample()) })
	want(t, out, "| variant | VSZ KiB |", "| --- | ---: |", "| default | 1,458,984 | +264,284 | 6,968 |",
		"\n- static: no <libc.a>\n", "  - +4 glibc arenas",
		"\nWhat package net says under GODEBUG=netdns=1:\n\n- nocgo: `go package net: using <Go>`\n- default, netcgo: `go "+
			"package net: dynamic`, `go package net: more`\n")
	columns := 0
	for _, line := range strings.Split(out, "\n") {
		switch n := strings.Count(line, "|"); {
		case n == 0:
			columns = 0
		case columns == 0:
			columns = n
		case n != columns:
			t.Errorf("a line of %d bars in a table of %d: %s", n, columns, line)
		}
	}
	table := Table{Head: []string{"a"}, Rows: [][]string{{"b|c"}}}
	want(t, text(t, table.WriteMarkdown), `| b\|c |`)
}

func TestCSV(t *testing.T) {
	r := sample()
	lines, err := csv.NewReader(strings.NewReader(text(t,
		func(w io.Writer) error { return WriteCSV(w, r.Variants) }))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != 1+len(r.Variants) {
		t.Fatalf("%d lines, expected a heading and %d", len(lines), len(r.Variants))
	}
	cell := func(line int, column string) string { return lines[line][slices.Index(lines[0], column)] }
	for column, value := range map[string]string{
		"variant": "default", "vsz_kib": "1458984", "rss_kib": "6968", "glibc arenas count": "4",
		"glibc arenas vsz_kib": "262144", "libs": "libc.so.6",
		"other vsz_kib": "0", "failed": "",
	} {
		if got := cell(2, column); got != value {
			t.Errorf("%s is %q, expected %q", column, got, value)
		}
	}
	if got := cell(3, "failed"); got != "variant static: no <libc.a>" {
		t.Errorf("failed is %q", got)
	}
}

// TestSVG wants a picture that is XML, with the names of all rows that have figures, and of all kinds that can be seen.
func TestSVG(t *testing.T) {
	out := text(t, func(w io.Writer) error { return WriteSVG(w, sample()) })
	var words []string
	for d := xml.NewDecoder(strings.NewReader(out)); ; {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if data, ok := token.(xml.CharData); ok {
			words = append(words, string(data))
		}
	}
	all := strings.Join(words, "\n")
	want(t, all, "example.com/a&b", "nocgo", "default", "netcgo", "glibc arenas", "Go page summaries", "shared libraries",
		"virtual, MiB", "resident, MiB")
	if strings.Contains(all, "static") {
		t.Error("the picture has a bar for what failed")
	}
}

func TestHTML(t *testing.T) {
	out := text(t, func(w io.Writer) error { return WriteHTML(w, sample()) })
	want(t, out, "<svg", "example.com/a&amp;b", "no &lt;libc.a&gt;", `<td>&#43;264,284</td>`,
		`<th class="words">variant</th>`, "System calls until ready",
		"one arena", "glibc malloc&#39;s arenas: each thread", "<dd>go package net: using &lt;Go&gt;</dd>")
	if strings.Contains(out, "<?xml") {
		t.Error("an XML declaration inside the page")
	}
	if open, closed := strings.Count(out, "<table"), strings.Count(out, "</table>"); open != 4 || closed != 4 {
		t.Errorf("%d tables begin and %d end, expected 4: variants, kinds, what-if, calls", open, closed)
	}
}
