package vsz

import (
	"slices"
	"strings"
	"testing"
)

func row(name string, kinds ...KindUsage) *VariantReport {
	r := &VariantReport{Name: name, Kinds: kinds}
	for _, k := range kinds {
		r.VSZKiB += k.VSZKiB
		r.RSSKiB += k.RSSKiB
	}
	return r
}

var (
	pure = row("nocgo", KindUsage{GoHeap, 1, 65536, 4096, 600, ""}, KindUsage{Binary, 3, 5708, 5708, 4464, ""})
	cgo  = row("netcgo", KindUsage{GoHeap, 1, 65536, 8192, 700, ""}, KindUsage{Binary, 3, 5764, 5764, 4548, ""},
		KindUsage{ThreadStacks, 4, 4 * 8196, 4 * 8192, 32, ""}, KindUsage{GlibcArenas, 3, 3 * 65536, 396, 132, ""},
		KindUsage{SharedLibs, 2, 2140, 2140, 1472, "libc.so.6 1928 KiB"}, KindUsage{BrkHeap, 1, 132, 132, 8, ""})
	small = row("netcgo, ulimit -s 1024", KindUsage{GoHeap, 1, 65536, 8192, 700, ""},
		KindUsage{Binary, 3, 5764, 5764, 4548, ""},
		KindUsage{ThreadStacks, 4, 4 * 1028, 4 * 1024, 32, ""}, KindUsage{GlibcArenas, 3, 3 * 65536, 396, 132, ""},
		KindUsage{SharedLibs, 2, 2140, 2140, 1472, "libc.so.6 1928 KiB"}, KindUsage{BrkHeap, 1, 132, 132, 8, ""})
)

func TestWhy(t *testing.T) {
	for _, c := range []struct {
		from, to *VariantReport
		kinds    []Kind
		text     string
	}{
		{pure, cgo, []Kind{GlibcArenas, ThreadStacks, SharedLibs},
			"netcgo: +3 glibc arenas × 64 MiB reserved, 132 KiB of it resident; +4 thread stacks × 8 MiB, 32 KiB of it " +
				"resident; " +
				"+2140 KiB of shared libraries (libc.so.6 1928 KiB), 1472 KiB of it resident; RSS +1828 KiB (shared libraries " +
				"+1472 KiB); " +
				"MALLOC_ARENA_MAX=1 removes 192 MiB; ulimit -s 1024 removes 28 MiB; cmem/lean, compiled in by --lean or by an " +
				"import, removes 223 MiB"},
		{cgo, pure, []Kind{GlibcArenas, ThreadStacks, SharedLibs},
			"nocgo: -3 glibc arenas × 64 MiB reserved, 132 KiB of it resident; -4 thread stacks × 8 MiB, 32 KiB of it " +
				"resident; " +
				"-2140 KiB of shared libraries, 1472 KiB of it resident; RSS -1828 KiB (shared libraries -1472 KiB)"},
		{cgo, small, []Kind{ThreadStacks},
			"netcgo, ulimit -s 1024: 4 thread stacks of 1 MiB each, not 8 MiB: -28 MiB; RSS +0 KiB"},
		{pure, pure, nil, "nocgo: the same VSZ within 256 KiB; RSS +0 KiB"},
	} {
		d := Why(c.from, c.to)
		var kinds []Kind
		left := d.VSZKiB
		for _, r := range d.Reasons {
			kinds = append(kinds, r.Kind)
			left -= r.VSZKiB
		}
		if !slices.Equal(kinds, c.kinds) || d.String() != c.text {
			t.Errorf("%s to %s: kinds %q, and\n%s\nexpected %q, and\n%s", d.From, d.To, kinds, d, c.kinds, c.text)
		}
		if left != d.RestKiB || abs(left) > 256 || d.VSZKiB != int64(c.to.VSZKiB)-int64(c.from.VSZKiB) {
			t.Errorf("%s to %s: %d KiB, of which %d are said to be left and %d are", d.From, d.To, d.VSZKiB, d.RestKiB, left)
		}
	}
}

// One kind has grown by what another has shrunk.
func TestWhyOfOpposites(t *testing.T) {
	from := row("a", KindUsage{Binary, 3, 9000, 9000, 0, ""}, KindUsage{SharedLibs, 1, 0, 0, 0, ""})
	to := row("b", KindUsage{Binary, 3, 8000, 8000, 0, ""}, KindUsage{SharedLibs, 1, 1000, 1000, 0, "libc.so.6 1000 KiB"})
	if d := Why(from, to); d.VSZKiB != 0 || len(d.Reasons) != 2 || d.RestKiB != 0 {
		t.Errorf("%+v, expected two reasons and no rest", d)
	}
}

// Go 1.26 places the heap at random: the 64 MiB more are no one's fault, and are said to be none.
func TestWhyOfChance(t *testing.T) {
	const chance = "by chance"
	one := row("a", KindUsage{GoHeap, 1, 65536, 4096, 600, ""})
	two := row("b", KindUsage{GoHeap, 2, 2 * 65536, 8192, 600, ""})
	grown := row("c", KindUsage{GoHeap, 2, 2 * 65536, 65536 + 4096, 65536, ""})
	for _, c := range []struct {
		from, to *VariantReport
		chance   bool
	}{{one, two, true}, {two, one, true}, {one, grown, false}} {
		if d := Why(c.from, c.to); strings.Contains(d.String(), chance) != c.chance {
			t.Errorf("%s; expected %q in it: %v", d, chance, c.chance)
		}
	}
}

// RSS that has moved from one kind to another is not what makes the difference.
func TestWhyOfMovedRSS(t *testing.T) {
	from := row("a", KindUsage{GlibcArenas, 5, 5 * 65536, 13900, 13644, ""}, KindUsage{BrkHeap, 1, 8192, 8192, 8096, ""})
	to := row("b", KindUsage{BrkHeap, 1, 21664, 21664, 21240, ""})
	if d := Why(from, to); d.RSSKiB != -500 || d.RSSOf != nil {
		t.Errorf("%s; expected RSS -500 KiB of no kind", d)
	}
}

func TestWhyHasOneArena(t *testing.T) {
	d := Why(row("a"), row("b", KindUsage{GlibcArenas, 1, 65536, 132, 4, ""}))
	if !strings.Contains(d.String(), "+1 glibc arena × 64 MiB") {
		t.Errorf("%s", d)
	}
}

func TestFormatKiB(t *testing.T) {
	for n, want := range map[int64]string{0: "0 KiB", 4: "4 KiB", 1023: "1023 KiB", 1024: "1 MiB", 2140: "2140 KiB",
		65536: "64 MiB",
		10240: "10 MiB", 10241: "10.0 MiB", 981060: "958.1 MiB", -31744: "-31 MiB", -100: "-100 KiB"} {
		if got := formatKiB(n); got != want {
			t.Errorf("%d: %s, expected %s", n, got, want)
		}
	}
}
