//go:build linux

// Package growth compares a study with an earlier one, for CI: what has grown past a bound?
package growth

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gocmem/cmem/go/vsz"
)

// A Bound is how much a figure may grow.
type Bound struct {
	Percent float64 // of the earlier figure
	KiB     uint64
	percent bool // Percent counts, not KiB
}

// Percent returns a bound of p percent.
func Percent(p float64) Bound { return Bound{Percent: p, percent: true} }

// units of a bound, the longest first.
var units = []struct {
	name string
	kib  float64
}{{"GiB", 1 << 20}, {"MiB", 1 << 10}, {"KiB", 1}, {"", 1}}

// Set reads "5%", "1024" (KiB), "512KiB", "64MiB" or "1GiB".
func (b *Bound) Set(s string) error {
	if number, ok := strings.CutSuffix(s, "%"); ok {
		p, err := strconv.ParseFloat(number, 64)
		if err != nil || !(p >= 0 && p <= 1e6) {
			return badBound(s)
		}
		*b = Percent(p)
		return nil
	}
	for _, u := range units {
		if number, ok := strings.CutSuffix(s, u.name); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
			if err != nil || !(n >= 0 && n*u.kib < 1<<40) {
				return badBound(s)
			}
			*b = Bound{KiB: uint64(n * u.kib)}
			return nil
		}
	}
	return badBound(s)
}

func badBound(s string) error {
	return fmt.Errorf("bound %q: expected percent or a size, such as 5%%, 512KiB or 64MiB", s)
}

// String is what Set reads.
func (b *Bound) String() string {
	if b.percent {
		return strconv.FormatFloat(b.Percent, 'f', -1, 64) + "%"
	}
	return strconv.FormatUint(b.KiB, 10) + "KiB"
}

// Type is the word for it in a flag's help.
func (b *Bound) Type() string { return "bound" }

// of is the largest figure that the bound allows after an earlier one.
func (b *Bound) of(earlier uint64) uint64 {
	if b.percent {
		return earlier + uint64(float64(earlier)*b.Percent/100)
	}
	return earlier + b.KiB
}

// Bounds are those of a row.
type Bounds struct{ VSZ, RSS Bound }

// A Growth is one figure of one row that grew past its bound.
type Growth struct {
	Variant  string
	What     string // "VSZ" or "RSS"
	Old, New uint64 // KiB
	Bound    Bound
	Why      vsz.Difference
}

func (g *Growth) String() string {
	return fmt.Sprintf("%s: %s grew from %d to %d KiB: by %d KiB (%.1f %%), and %s is allowed", g.Variant, g.What, g.Old,
		g.New,
		g.New-g.Old, 100*float64(g.New-g.Old)/float64(g.Old), g.Bound.String())
}

// A Comparison is what Compare found.
type Comparison struct {
	Compared []string // names of the rows that both have figures of
	Left     []string // names of rows that are in one of them only, or failed then
	Lost     []string // names of rows with figures then that failed now, with the reason
	Grown    []Growth
}

// Compare compares the rows of one name.
func Compare(old, now *vsz.Report, allowed Bounds) Comparison {
	var c Comparison
	before := make(map[string]*vsz.VariantReport)
	for i := range old.Variants {
		if row := &old.Variants[i]; row.Failed == "" {
			before[row.Name] = row
		}
	}
	for i := range now.Variants {
		row := &now.Variants[i]
		was, ok := before[row.Name]
		delete(before, row.Name)
		switch {
		case row.Failed != "" && ok:
			reason, _, _ := strings.Cut(row.Failed, "\n")
			c.Lost = append(c.Lost, strings.TrimPrefix(reason, "variant "))
			continue
		case row.Failed != "":
			continue
		case !ok:
			c.Left = append(c.Left, row.Name)
			continue
		}
		c.Compared = append(c.Compared, row.Name)
		c.compare("VSZ", was, row, was.VSZKiB, row.VSZKiB, allowed.VSZ)
		c.compare("RSS", was, row, was.RSSKiB, row.RSSKiB, allowed.RSS)
	}
	for i := range old.Variants {
		if name := old.Variants[i].Name; before[name] != nil {
			c.Left = append(c.Left, name)
		}
	}
	return c
}

func (c *Comparison) compare(what string, was, row *vsz.VariantReport, old, now uint64, b Bound) {
	if now > b.of(old) {
		c.Grown = append(c.Grown, Growth{Variant: row.Name, What: what, Old: old, New: now, Bound: b, Why: vsz.Why(was, row)})
	}
}
