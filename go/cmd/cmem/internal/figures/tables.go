//go:build linux

package figures

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gocmem/cmem/go/cmd/cmem/internal/study"
	"github.com/gocmem/cmem/go/vsz"
)

// Variants is the table of the rows, each with its differences from the first.
func Variants(r *study.Result) Table {
	t := Table{
		Head: []string{
			"variant", "VSZ KiB", "diff", "RSS KiB", "diff", "PSS KiB", "threads", "mappings", "binary MB", "start ms",
			"resolver", "links",
		},
		Words: map[int]bool{10: true, 11: true},
	}
	first, rest := r.Measured()
	for _, row := range append([]*vsz.VariantReport{first}, rest...) {
		cells := []string{
			row.Name, count(row.VSZKiB), diff(first, row, row.VSZKiB, first.VSZKiB), count(row.RSSKiB),
			diff(first, row, row.RSSKiB, first.RSSKiB),
			count(row.PSSKiB), count(row.Threads), count(row.Mappings), fmt.Sprintf("%.2f", float64(row.BinaryBytes)/1e6),
			startup(row),
			row.Resolver, links(row),
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}

// diff is empty in the first row.
func diff(first, row *vsz.VariantReport, figure, of uint64) string {
	if row == first {
		return ""
	}
	return signed(int64(figure) - int64(of))
}

func startup(row *vsz.VariantReport) string {
	if row.StartupMS == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f", row.StartupMS)
}

// links is the shared libraries, or how it does without.
func links(row *vsz.VariantReport) string {
	if len(row.Libs) == 0 {
		return row.Linked
	}
	return strings.Join(row.Libs, ", ")
}

// NotMeasured says of each row without figures why, in its first line; what the tools printed comes behind that.
func NotMeasured(r *study.Result) []string {
	var notes []string
	for i := range r.Variants {
		if failed := r.Variants[i].Failed; failed != "" {
			line, _, _ := strings.Cut(failed, "\n")
			notes = append(notes, strings.TrimPrefix(line, "variant "))
		}
	}
	return notes
}

// Kinds is the table of the kinds of mappings, of each row the virtual and the resident size in KiB.
func Kinds(r *study.Result) Table {
	t := Table{Title: "KiB by kind of mapping, virtual / resident", Head: []string{"kind"}}
	rows := measured(r)
	for _, row := range rows {
		t.Head = append(t.Head, row.Name)
	}
	for _, k := range occurring(rows) {
		line := []string{string(k)}
		for _, row := range rows {
			line = append(line, pair(row.Kind(k).VSZKiB, row.Kind(k).RSSKiB))
		}
		t.Rows = append(t.Rows, line)
	}
	sums := []string{"all"}
	for _, row := range rows {
		sums = append(sums, pair(row.VSZKiB, row.RSSKiB))
	}
	t.Rows = append(t.Rows, sums)
	return t
}

func pair(virtual, resident uint64) string {
	if virtual == 0 {
		return "-"
	}
	return count(virtual) + " / " + count(resident)
}

func measured(r *study.Result) []*vsz.VariantReport {
	first, rest := r.Measured()
	return append([]*vsz.VariantReport{first}, rest...)
}

// occurring are the kinds that some row has.
func occurring(rows []*vsz.VariantReport) []vsz.Kind {
	var kinds []vsz.Kind
	for _, k := range vsz.Kinds() {
		for _, row := range rows {
			if row.Kind(k).VSZKiB > 0 {
				kinds = append(kinds, k)
				break
			}
		}
	}
	return kinds
}

// syscalls are the columns of Syscalls.
var syscalls = []string{"mmap", "munmap", "mprotect", "brk", "clone", vsz.LibrariesOpened}

// Syscalls is the table of the calls that make mappings; without rows where none were counted.
func Syscalls(r *study.Result) Table {
	t := Table{Title: "System calls until ready", Head: append([]string{"variant"}, syscalls...)}
	for _, row := range measured(r) {
		if len(row.Syscalls) == 0 {
			continue
		}
		line := []string{row.Name}
		for _, name := range syscalls {
			line = append(line, count(row.Syscalls[name]))
		}
		t.Rows = append(t.Rows, line)
	}
	return t
}

// NoSyscalls says why there are rows without; "" where there are none or nobody asked.
func NoSyscalls(r *study.Result) string {
	for _, row := range measured(r) {
		if row.NoSyscalls != "" {
			return fmt.Sprintf("No system calls were counted of %s: %s", row.Name, row.NoSyscalls)
		}
	}
	return ""
}

// NetLines has what package net says of its resolver in each row in which a name was looked up,
// rows of which it says the same together.
func NetLines(r *study.Result) []Answer {
	var all []Answer
	for _, row := range measured(r) {
		i := slices.IndexFunc(all, func(a Answer) bool { return slices.Equal(a.Lines, row.NetLines) })
		switch {
		case len(row.NetLines) == 0:
		case i < 0:
			all = append(all, Answer{About: row.Name, Lines: row.NetLines})
		default:
			all[i].About += ", " + row.Name
		}
	}
	return all
}

// WhatIf is the table of the knobs; without rows where they were not turned.
func WhatIf(r *study.Result) Table {
	w := r.WhatIf
	if w == nil {
		return Table{}
	}
	t := Table{
		Title: fmt.Sprintf("What if: %s with other settings, %d runs of each", w.Variant, w.Runs),
		Head:  []string{"setting", "VSZ KiB", "diff", "RSS KiB", "diff", "what it does"},
		Words: map[int]bool{5: true},
	}
	t.Rows = append(t.Rows, []string{"none", count(w.Without.VSZKiB), "", count(w.Without.RSSKiB), "", "for comparison"})
	for _, k := range w.Knobs {
		cells := []string{k.Knob, "-", "-", "-", "-", k.About}
		if row := &k.Row; row.Failed == "" {
			copy(cells[1:], []string{
				count(row.VSZKiB), effect(row.VSZKiB, w.Without.VSZKiB, row.VSZRangeKiB, w.Without.VSZRangeKiB),
				count(row.RSSKiB), effect(row.RSSKiB, w.Without.RSSKiB, row.RSSRangeKiB, w.Without.RSSRangeKiB),
			})
			if told(w, row) && oneMore(&w.Without, row) {
				cells[2] += " ?"
			}
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}

// effect is the difference that a setting makes, if it is told from that of two runs with the same one.
func effect(with, without uint64, runsWith, runsWithout [2]uint64) string {
	if with != without && overlap(runsWith, runsWithout) {
		return "unclear"
	}
	return signed(int64(with) - int64(without))
}

// overlap: some run with the setting has no more, and some no less, than one without it, to within
// the noise: of three runs each, one pair in ten lies apart by chance.
func overlap(a, b [2]uint64) bool { return a[0] <= b[1]+noise && b[0] <= a[1]+noise }

// told tells whether the setting's effect on VSZ is more than runs with the same settings differ by.
func told(w *study.WhatIf, row *vsz.VariantReport) bool {
	return !overlap(row.VSZRangeKiB, w.Without.VSZRangeKiB)
}

// oneMore: the rows differ by an arena or a thread more or less, which a few runs may do by chance,
// whatever the setting.
func oneMore(a, b *vsz.VariantReport) bool {
	rest := int64(b.VSZKiB) - int64(a.VSZKiB)
	some := false
	for _, k := range []vsz.Kind{vsz.GoHeap, vsz.GlibcArenas, vsz.ThreadStacks} {
		x, y := a.Kind(k), b.Kind(k)
		if n := y.Count - x.Count; n == 1 || n == -1 {
			rest -= int64(y.VSZKiB) - int64(x.VSZKiB)
			some = true
		}
	}
	return some && max(rest, -rest) <= 2*noise // the runtime has less or more of its own, too
}
