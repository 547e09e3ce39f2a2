//go:build linux

package growth

import (
	"slices"
	"strings"
	"testing"

	"github.com/gocmem/cmem/go/vsz"
)

func TestBound(t *testing.T) {
	for text, want := range map[string]uint64{ // after 1000 KiB
		"0": 1000, "0%": 1000, "10%": 1100, "0.5%": 1005, "200%": 3000, "24": 1024, "24KiB": 1024, "24 KiB": 1024,
		"1MiB": 2024, "0.5MiB": 1512,
		"1GiB": 1000 + 1<<20,
	} {
		var b Bound
		if err := b.Set(text); err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := b.of(1000); got != want {
			t.Errorf("%q allows %d, expected %d", text, got, want)
		}
		var again Bound
		if err := again.Set(b.String()); err != nil || again != b {
			t.Errorf("%q is printed as %q, which is read as %v (%v)", text, b.String(), again, err)
		}
	}
	for _, text := range []string{"", "%", "-1", "-1%", "x", "5MB", "NaN", "NaN%", "Inf", "1e300", "KiB", "5%%"} {
		var b Bound
		if err := b.Set(text); err == nil || !strings.Contains(err.Error(), `"`+text+`"`) {
			t.Errorf("%q: error %v, expected one that names it", text, err)
		}
	}
}

func row(name string, virtual, resident uint64) vsz.VariantReport {
	r := vsz.NewVariantReport(vsz.Variant{Name: name})
	r.VSZKiB, r.RSSKiB = virtual, resident
	r.Kinds = []vsz.KindUsage{{Kind: vsz.GlibcArenas, Count: int(virtual / 65536), VSZKiB: virtual, RSSKiB: resident}}
	return r
}

func failed(name string) vsz.VariantReport {
	r := row(name, 0, 0)
	r.Failed = "variant " + name + ": it does not build\nat all"
	return r
}

func report(rows ...vsz.VariantReport) *vsz.Report { return &vsz.Report{Variants: rows} }

func TestCompare(t *testing.T) {
	bounds := Bounds{VSZ: Bound{KiB: 100}, RSS: Percent(10)}
	old := report(row("a", 1000, 100), row("b", 1000, 100), row("gone", 1, 1), failed("c"), row("d", 1000, 100),
		failed("e"))
	now := report(row("a", 1100, 110), row("b", 1101, 111), row("new", 1, 1), row("c", 1, 1), failed("d"), failed("e"))
	c := Compare(old, now, bounds)
	var grown []string
	for _, g := range c.Grown {
		grown = append(grown, g.Variant+" "+g.What)
	}
	if want := []string{"b VSZ", "b RSS"}; !slices.Equal(grown, want) {
		t.Errorf("grown: %v, expected %v", grown, want)
	}
	if want := []string{"a", "b"}; !slices.Equal(c.Compared, want) {
		t.Errorf("compared: %v, expected %v", c.Compared, want)
	}
	if want := []string{"new", "c", "gone"}; !slices.Equal(c.Left, want) {
		t.Errorf("left: %v, expected %v", c.Left, want)
	}
	if want := []string{"d: it does not build"}; !slices.Equal(c.Lost, want) {
		t.Errorf("lost: %v, expected %v", c.Lost, want)
	}
}

func TestCompareShrunk(t *testing.T) {
	c := Compare(report(row("a", 1000, 100)), report(row("a", 10, 1)), Bounds{})
	if len(c.Grown) != 0 || len(c.Compared) != 1 {
		t.Errorf("%+v, expected one row compared and none grown", c)
	}
}

func TestGrowthWords(t *testing.T) {
	c := Compare(report(row("a", 65536, 100)), report(row("a", 131072, 100)), Bounds{VSZ: Percent(1)})
	if len(c.Grown) != 1 {
		t.Fatalf("%+v, expected one growth", c)
	}
	const want = "a: VSZ grew from 65536 to 131072 KiB: by 65536 KiB (100.0 %), and 1% is allowed"
	if got := c.Grown[0].String(); got != want {
		t.Errorf("%s\nexpected\n%s", got, want)
	}
	if why := c.Grown[0].Why.String(); !strings.Contains(why, "+1 glibc arena") {
		t.Errorf("why: %s, expected an arena", why)
	}
}
