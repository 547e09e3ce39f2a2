//go:build linux

package figures

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gocmem/cmem/go/cmd/cmem/internal/study"
	"github.com/gocmem/cmem/go/vsz"
)

// An Answer says why a row is as large as it is, or as it differs.
type Answer struct {
	About string // "default: VSZ +290.3 MiB, RSS +1,532 KiB"
	Lines []string
}

// Why explains the first row by its kinds, and each other by its difference from the first.
func Why(r *study.Result) []Answer {
	first, _ := r.Measured()
	var all []named
	for _, d := range r.Differences {
		all = append(all, named{d.To, d})
	}
	return slices.Concat([]Answer{composition(first)}, differences(all), whatIf(r))
}

// composition lists the largest kinds of a row, 99 % of it together.
func composition(row *vsz.VariantReport) Answer {
	a := Answer{About: fmt.Sprintf("%s, the first row: VSZ %s, RSS %s", row.Name, size(int64(row.VSZKiB)),
		size(int64(row.RSSKiB)))}
	kinds := slices.Clone(row.Kinds)
	slices.SortStableFunc(kinds, func(a, b vsz.KindUsage) int { return int(b.VSZKiB) - int(a.VSZKiB) })
	var sum uint64
	for _, k := range kinds {
		if sum >= row.VSZKiB/100*99 {
			break
		}
		sum += k.VSZKiB
		a.Lines = append(a.Lines, fmt.Sprintf("%s of %s, %s of it resident: %s", size(int64(k.VSZKiB)), k.Kind,
			size(int64(k.RSSKiB)), k.Kind.About()))
	}
	return a
}

// named is a difference and what has it.
type named struct {
	name string
	vsz.Difference
}

// differences explains them, those of one explanation together.
func differences(all []named) []Answer {
	var answers []Answer
	for len(all) > 0 {
		like, others := all[:1:1], []named(nil)
		for _, d := range all[1:] {
			if alike(all[0].Difference, d.Difference) {
				like = append(like, d)
			} else {
				others = append(others, d)
			}
		}
		answers = append(answers, Answer{About: about(like), Lines: explain(like[0].Difference)})
		all = others
	}
	return answers
}

// noise is what two runs of one program differ by, in KiB.
const noise = 256

// alike: the same kinds explain both, with about the same sizes.
func alike(a, b vsz.Difference) bool {
	return slices.EqualFunc(a.Reasons, b.Reasons, func(x, y vsz.Reason) bool {
		return x.Kind == y.Kind && max(x.VSZKiB-y.VSZKiB, y.VSZKiB-x.VSZKiB) <= noise
	})
}

// about is the heading of differences that are alike. Their reasons are the first one's, to the KiB.
func about(like []named) string {
	var names []string
	low, high := like[0].RSSKiB, like[0].RSSKiB
	for _, d := range like {
		names = append(names, d.name)
		low, high = min(low, d.RSSKiB), max(high, d.RSSKiB)
	}
	rss := signedSize(low)
	if high != low {
		rss += " to " + signedSize(high)
	}
	return fmt.Sprintf("%s: VSZ %s, RSS %s", strings.Join(names, ", "), signedSize(like[0].VSZKiB), rss)
}

func explain(d vsz.Difference) []string {
	var lines []string
	for _, reason := range d.Reasons {
		lines = append(lines, reason.Text)
	}
	if len(lines) == 0 {
		lines = append(lines, "the same VSZ but for what two runs of one program differ by")
	}
	if d.RSSOf != nil {
		lines = append(lines, fmt.Sprintf("most of RSS: %s of %s", signedSize(d.RSSOf.RSSKiB), d.RSSOf.Kind))
	}
	for _, advice := range d.Advice {
		lines = append(lines, "→ "+advice)
	}
	return lines
}

// between is a range in KiB, for people.
func between(r [2]uint64) string {
	if r[0] == r[1] {
		return "always " + size(int64(r[0]))
	}
	return size(int64(r[0])) + " to " + size(int64(r[1]))
}

// whatIf explains what the knobs change.
func whatIf(r *study.Result) []Answer {
	if r.WhatIf == nil {
		return nil
	}
	w := r.WhatIf
	var clear, unclear []named
	var nothing []string
	ranges := []string{"without: " + between(w.Without.VSZRangeKiB)}
	for i := range w.Knobs {
		k := &w.Knobs[i]
		d := named{k.Knob, vsz.Why(&w.Without, &k.Row)}
		switch {
		case k.Row.Failed != "":
		case !told(w, &k.Row):
			nothing = append(nothing, k.Knob)
			ranges = append(ranges, k.Knob+": "+between(k.Row.VSZRangeKiB))
		case oneMore(&w.Without, &k.Row):
			unclear = append(unclear, d)
		default:
			clear = append(clear, d)
		}
	}
	answers := differences(clear)
	for _, a := range differences(unclear) {
		a.Lines = append(a.Lines,
			"? an arena or a thread more or less may be chance: with more --runs, chance shows in their range")
		answers = append(answers, a)
	}
	for i := range answers {
		answers[i].About = w.Variant + " with " + answers[i].About
	}
	if len(nothing) > 0 {
		answers = append(answers, Answer{
			About: fmt.Sprintf("%s with %s: no effect on VSZ that is told from chance", w.Variant, strings.Join(nothing, ", ")),
			Lines: ranges,
		})
	}
	return answers
}
