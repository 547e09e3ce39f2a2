//go:build linux && cgo && !race && !asan && !goexperiment.cgocheck2

package vsz

import (
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// server is a program that imports net, so it has cgo where that is not switched off.
const server = `package main

import (
	"fmt"
	"net"
)

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println("ready")
	net.LookupHost("localhost")
	l.Accept()
}
`

// A row is what the tests look at of a row in JSON.
type row struct {
	Name    string `json:"name"`
	Failed  string `json:"failed"`
	VSZ     int64  `json:"vsz_kib"`
	RSS     int64  `json:"rss_kib"`
	Threads int    `json:"threads"`
	Kinds   []struct {
		Kind  string `json:"kind"`
		Count int    `json:"count"`
		VSZ   int64  `json:"vsz_kib"`
		RSS   int64  `json:"rss_kib"`
	} `json:"kinds"`
	Resolver string           `json:"resolver"`
	NetLines []string         `json:"net_lines"`
	Libs     []string         `json:"libs"`
	Syscalls map[string]int64 `json:"syscalls"`
}

func (r *row) kib(kind string) int64 {
	for _, k := range r.Kinds {
		if k.Kind == kind {
			return k.VSZ
		}
	}
	return 0
}

// A study is what the tests look at of a whole one.
type study struct {
	Program     string `json:"program"`
	Variants    []row  `json:"variants"`
	Differences []struct {
		From string `json:"from"`
		To   string `json:"to"`
		VSZ  int64  `json:"vsz_kib"`
	} `json:"differences"`
	WhatIf struct {
		Variant string `json:"variant"`
		Runs    int    `json:"runs"`
		Without row    `json:"without"`
		Knobs   []struct {
			Knob string `json:"knob"`
			Row  row    `json:"row"`
		} `json:"knobs"`
	} `json:"what_if"`
}

func (s *study) row(t *testing.T, name string) *row {
	t.Helper()
	for i := range s.Variants {
		if s.Variants[i].Name == name {
			return &s.Variants[i]
		}
	}
	t.Fatalf("there is no row %q", name)
	return nil
}

func readStudy(t *testing.T, file string) (s study) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestStudy looks at one study in all the forms that it is written in.
func TestStudy(t *testing.T) {
	dir := module(t, map[string]string{"main.go": server})
	c := vsz(t, dir, ".", "--quiet", "--variants", "nocgo,default", "--lean", "--load", "none,cgo-threads=8", "--what-if",
		"--kinds", "--runs", "1",
		"--settle", "300ms", "--ready", "^ready", "--json", "a.json", "--csv", "a.csv", "--markdown", "a.md", "--svg",
		"a.svg", "--html", "a.html")
	c.want(0)
	if c.stderr.Len() > 0 {
		t.Errorf("--quiet, and standard error has %q", &c.stderr)
	}
	s := readStudy(t, filepath.Join(dir, "a.json"))
	t.Run("rows", func(t *testing.T) { wantRows(t, &s) })
	t.Run("json", func(t *testing.T) { wantShape(t, filepath.Join(dir, "a.json")) })
	t.Run("sums", func(t *testing.T) { wantSums(t, &s) })
	t.Run("table", func(t *testing.T) { wantTable(t, &s, c.stdout.String()) })
	t.Run("csv", func(t *testing.T) { wantCSV(t, &s, filepath.Join(dir, "a.csv")) })
	t.Run("what-if", func(t *testing.T) { wantKnobs(t, &s) })
	t.Run("files", func(t *testing.T) { wantFiles(t, dir) })
}

// wantRows compares kinds, not totals, which differ from run to run.
func wantRows(t *testing.T, s *study) {
	var names []string
	for i := range s.Variants {
		names = append(names, s.Variants[i].Name)
	}
	if want := []string{
		"nocgo", "default", "default+lean", "nocgo cgo-threads=8", "default cgo-threads=8", "default+lean cgo-threads=8",
	}; !slices.Equal(names, want) {
		t.Fatalf("rows %q, expected %q", names, want)
	}
	none, cgo, lean := s.row(t, "nocgo"), s.row(t, "default"), s.row(t, "default+lean")
	loaded, leanLoaded := s.row(t, "default cgo-threads=8"), s.row(t, "default+lean cgo-threads=8")
	const arenas, stacks, libs = "glibc arenas", "thread stacks", "shared libraries"
	for _, kind := range []string{arenas, stacks, libs} {
		if none.kib(kind) != 0 || cgo.kib(kind) == 0 {
			t.Errorf("%s: %d KiB without cgo and %d with, expected none and some", kind, none.kib(kind), cgo.kib(kind))
		}
	}
	if lean.kib(arenas) != 0 || leanLoaded.kib(arenas) != 0 {
		t.Errorf("with lean there are arenas of %d KiB, and under load of %d: expected none", lean.kib(arenas),
			leanLoaded.kib(arenas))
	}
	if loaded.Threads < 1+8 || loaded.kib(stacks) <= cgo.kib(stacks) || loaded.kib(arenas) <= cgo.kib(arenas) {
		t.Errorf("with 8 blocked threads: %d threads, stacks of %d KiB, arenas of %d; before %d, %d, %d", loaded.Threads,
			loaded.kib(stacks),
			loaded.kib(arenas), cgo.Threads, cgo.kib(stacks), cgo.kib(arenas))
	}
	if failed := s.row(t, "nocgo cgo-threads=8").Failed; !strings.Contains(failed, "CGO_ENABLED=0") {
		t.Errorf("cgo-threads without cgo: %q", failed)
	}
	if none.Resolver != "Go" || cgo.Resolver != "dynamic" {
		t.Errorf("resolver %q without cgo and %q with, expected Go and dynamic", none.Resolver, cgo.Resolver)
	}
	if want := []string{"go package net: dynamic selection of DNS resolver"}; !slices.Equal(cgo.NetLines, want) {
		t.Errorf("package net says %q with cgo, expected %q", cgo.NetLines, want)
	}
}

// wantShape wants the names and types that the format promises.
func wantShape(t *testing.T, file string) {
	var s map[string]any
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	wantKeys(t, s, map[string]any{"program": "", "go": "", "kernel": "", "variants": []any{}, "differences": []any{},
		"runs": 0.0})
	for _, v := range s["variants"].([]any) {
		variant := v.(map[string]any)
		wantKeys(t, variant, map[string]any{
			"name": "", "cgo": true, "tags": []any{}, "resolver": "", "libs": []any{}, "binary_bytes": 0.0, "vsz_kib": 0.0,
			"rss_kib": 0.0,
			"pss_kib": 0.0, "threads": 0.0, "mappings": 0.0, "kinds": []any{}, "syscalls": map[string]any{},
		})
		for _, k := range variant["kinds"].([]any) {
			wantKeys(t, k.(map[string]any), map[string]any{"kind": "", "count": 0.0, "vsz_kib": 0.0, "rss_kib": 0.0})
		}
	}
}

func wantKeys(t *testing.T, got, want map[string]any) {
	t.Helper()
	for _, key := range slices.Sorted(maps.Keys(want)) {
		value, ok := got[key]
		if !ok {
			t.Errorf("there is no %q in %v", key, got)
			continue
		}
		a, err := json.Marshal(value)
		b, err2 := json.Marshal(want[key])
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		if kindOf(a[0]) != kindOf(b[0]) {
			t.Errorf("%q is %s, expected something like %s", key, a, b)
		}
	}
}

// kindOf tells JSON's types by how they begin.
func kindOf(first byte) byte {
	switch {
	case first >= '0' && first <= '9' || first == '-':
		return '0'
	case first == 't' || first == 'f':
		return 't'
	}
	return first
}

func wantSums(t *testing.T, s *study) {
	for _, r := range s.Variants {
		var virtual, resident int64
		for _, k := range r.Kinds {
			virtual += k.VSZ
			resident += k.RSS
		}
		if virtual != r.VSZ || resident != r.RSS {
			t.Errorf("%s: the kinds sum to %d and %d KiB, expected %d and %d", r.Name, virtual, resident, r.VSZ, r.RSS)
		}
		if other := r.kib("other"); r.Failed == "" && other*100 >= r.VSZ {
			t.Errorf("%s: %d KiB of %d cannot be told, expected less than 1 %%", r.Name, other, r.VSZ)
		}
	}
	for _, d := range s.Differences {
		if want := s.row(t, d.To).VSZ - s.row(t, d.From).VSZ; d.VSZ != want {
			t.Errorf("%s differs from %s by %d KiB, expected %d", d.To, d.From, d.VSZ, want)
		}
	}
}

// wantTable compares the printed table with the JSON, and its differences with its figures.
func wantTable(t *testing.T, s *study, text string) {
	_, table, _ := strings.Cut(text, "\nvariant ")
	table, _, _ = strings.Cut(table, "\n\n")
	first := s.Variants[0]
	lines := strings.Split(table, "\n")[1:]
	for _, line := range lines {
		name, rest, _ := strings.Cut(line, "  ")
		r := s.row(t, name)
		f := strings.Fields(strings.ReplaceAll(rest, ",", ""))
		if name == first.Name {
			f = slices.Insert(slices.Insert(f, 1, "0"), 3, "0") // its differences are blank
		}
		for i, want := range []int64{r.VSZ, r.VSZ - first.VSZ, r.RSS, r.RSS - first.RSS} {
			if got, err := strconv.ParseInt(strings.TrimPrefix(f[i], "+"), 10, 64); err != nil || got != want {
				t.Errorf("%s: column %d is %s, expected %d", name, i+1, f[i], want)
			}
		}
	}
	if len(lines) != 5 {
		t.Errorf("%d lines, expected the five rows that were measured", len(lines))
	}
	wantParts(t, text, "not measured:\n  nocgo cgo-threads=8: ", "\nwhy:\n", "glibc arenas × 64 MiB reserved",
		"MALLOC_ARENA_MAX=1 removes ", "KiB by kind of mapping")
	// The words name arenas first: they are most of the difference.
	_, why, _ := strings.Cut(text, "\nwhy:\n")
	_, reasons, _ := strings.Cut(why, "\ndefault: ")
	if lines := strings.Split(reasons, "\n"); len(lines) < 2 || !strings.Contains(lines[1], "glibc arenas") {
		t.Errorf("the first reason of default is not its arenas:\n%s", why)
	}
}

func wantCSV(t *testing.T, s *study, file string) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != 1+len(s.Variants) {
		t.Fatalf("%d lines, expected a heading and %d", len(lines), len(s.Variants))
	}
	for i, r := range s.Variants {
		for column, want := range map[string]int64{"vsz_kib": r.VSZ, "rss_kib": r.RSS,
			"glibc arenas vsz_kib": r.kib("glibc arenas")} {
			at := slices.Index(lines[0], column)
			if at < 0 || lines[i+1][at] != strconv.FormatInt(want, 10) {
				t.Errorf("%s: %s in column %d of %q, expected %d", r.Name, column, at, lines[i+1], want)
			}
		}
	}
}

func wantKnobs(t *testing.T, s *study) {
	if s.WhatIf.Variant != "default" {
		t.Fatalf("the knobs were turned on %q, expected the first with cgo", s.WhatIf.Variant)
	}
	before := &s.WhatIf.Without
	if s.WhatIf.Runs < 3 {
		t.Errorf("%d runs with each setting, though one of each variant: expected 3 at least", s.WhatIf.Runs)
	}
	for _, k := range s.WhatIf.Knobs {
		arenas, stacks := k.Row.kib("glibc arenas"), k.Row.kib("thread stacks")
		switch k.Knob {
		case "MALLOC_ARENA_MAX=1":
			if arenas != 0 {
				t.Errorf("%s leaves arenas of %d KiB", k.Knob, arenas)
			}
		case "ulimit -s 1024":
			if each, was := stacks/int64(k.Row.Threads-1), before.kib("thread stacks")/int64(before.Threads-1); each >= was ||
				each > 1100 {
				t.Errorf("%s: stacks of %d KiB, expected about 1024; before %d", k.Knob, each, was)
			}
		}
	}
	if len(s.WhatIf.Knobs) < 3 {
		t.Errorf("%d knobs, expected more", len(s.WhatIf.Knobs))
	}
}

// wantFiles wants pictures that are XML, and tables.
func wantFiles(t *testing.T, dir string) {
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	svg := read("a.svg")
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	wantParts(t, svg, "default+lean cgo-threads=8", "glibc arenas", "resident, MiB")
	wantParts(t, read("a.html"), "<svg", "default+lean cgo-threads=8", "MALLOC_ARENA_MAX=1")
	wantParts(t, read("a.md"), "\n| default | ", "- nocgo, the first row: ")
}

// TestToStdout wants what goes to standard output to be alone there.
func TestToStdout(t *testing.T) {
	dir := module(t, map[string]string{"main.go": waits})
	c := vsz(t, dir, quick(".", "--variants", "nocgo", "--ready", "^ready", "--json", "-")...)
	c.want(0)
	var s study
	if err := json.Unmarshal(c.stdout.Bytes(), &s); err != nil || s.Program != "example.com/app" || len(s.Variants) != 1 {
		t.Errorf("%v: %+v of\n%s", err, s, &c.stdout)
	}
}
