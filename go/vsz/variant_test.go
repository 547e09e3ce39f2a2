package vsz

import (
	"errors"
	"strings"
	"testing"
)

func TestLookupVariant(t *testing.T) {
	for _, v := range Variants() {
		got, err := LookupVariant(v.Name)
		if err != nil || got.Name != v.Name || got.Cgo != v.Cgo || got.LDFlags != v.LDFlags {
			t.Errorf("%s: %+v, error %v", v.Name, got, err)
		}
		if err := v.Check(); err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
	}
	v, err := LookupVariant("static+lean")
	if err != nil || v.Name != "static+lean" || !v.Lean || v.Cgo != CgoOn {
		t.Errorf("static+lean: %+v, error %v", v, err)
	}
	_, err = LookupVariant("musl")
	for _, part := range []string{`"musl"`, "nocgo", "netgo+cgo", "external", "+lean"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("unknown variant: error %v, expected %s in it", err, part)
		}
	}
}

// Callers may change what they are given.
func TestVariantsAreCopies(t *testing.T) {
	Variants()[0].Tags[0] = "changed"
	if Variants()[0].Tags[0] == "changed" {
		t.Error("a variant's tags are shared")
	}
}

func TestImpossibleVariants(t *testing.T) {
	for reason, v := range map[string]Variant{
		"contradict":          {Cgo: CgoOn, Tags: []string{"netgo", "netcgo"}},
		"libc's resolver":     {Cgo: CgoOff, Tags: []string{"netcgo"}},
		"cmem/lean is C code": Variant{Cgo: CgoOff}.WithLean(),
		"drops those":         Variant{LDFlags: "-linkmode=internal"}.WithLean(),
		"threads of cgo":      Variant{Cgo: CgoOff}.WithLoad(Load{CgoThreads, 4}),
		"linker needs cgo":    {Cgo: CgoOff, LDFlags: "-extldflags=-static"},
		"go-threads does":     Variant{Cgo: CgoOff}.WithLoad(Load{MallocThreads, 4}),
	} {
		v.Name = "mine" + v.Name
		var impossible *ImpossibleError
		if err := v.Check(); !errors.As(err, &impossible) || !strings.Contains(err.Error(), reason) ||
			impossible.Variant != v.Name {
			t.Errorf("%+v: error %v, expected an ImpossibleError that says %q", v, err, reason)
		}
	}
	for _, v := range []Variant{{Cgo: CgoOff}, Variant{Cgo: CgoOff}.WithLoad(Load{GoThreads, 4}),
		Variant{Cgo: CgoOff}.WithLoad(Load{CmemThreads, 4})} {
		if err := v.Check(); err != nil {
			t.Errorf("%+v: %v", v, err)
		}
	}
	if err := (Variant{Load: Load{"sleepers", 3}}).Check(); err == nil || !strings.Contains(err.Error(), "sleepers=3") {
		t.Errorf("unknown load: error %v, expected it to be named", err)
	}
}

func TestParseLoad(t *testing.T) {
	for _, l := range []Load{{CgoThreads, 64}, {MallocThreads, 1}, {CmemThreads, MaxLoad}, {GoThreads, 2}} {
		if got, err := ParseLoad(l.String()); err != nil || got != l {
			t.Errorf("%s: %+v, error %v", l, got, err)
		}
	}
	for _, s := range []string{"", "=", "=0", "cgo-threads", "cgo-threads=", "cgo-threads=0", "cgo-threads=-1",
		"cgo-threads=8193", "cgo-threads=many", "threads=4"} {
		if got, err := ParseLoad(s); err == nil || !strings.Contains(err.Error(), "malloc-threads") ||
			!strings.Contains(err.Error(), `"`+s+`"`) {
			t.Errorf("%q: %+v, error %v; expected one that names it and the kinds", s, got, err)
		}
	}
	if (Load{}).String() != "" || (Variant{Name: "x"}).WithLoad(Load{}).Name != "x" {
		t.Error("the zero load shows")
	}
}
