package vsz

import (
	"fmt"
	"slices"
	"strings"
)

// Cgo is what a variant sets CGO_ENABLED to.
type Cgo int

const (
	CgoDefault Cgo = iota // as the go command decides: on where there is a C compiler
	CgoOn
	CgoOff
)

// String is "default", "on" or "off".
func (c Cgo) String() string {
	switch c {
	case CgoDefault:
		return "default"
	case CgoOn:
		return "on"
	case CgoOff:
		return "off"
	}
	return fmt.Sprintf("Cgo(%d)", int(c))
}

// A Variant is one way to build a program, and to run what was built.
type Variant struct {
	Name      string
	About     string // one line for people
	Cgo       Cgo
	Tags      []string // build tags
	LDFlags   string   // go build's -ldflags
	BuildMode string   // go build's -buildmode; "" is its default
	CC        string   // C compiler; "" is the go command's
	Env       []string // added to the environment of the build, as "name=value"
	RunEnv    []string // added to the environment of the program
	Lean      bool     // cmem/lean is compiled into the program
	Load      Load     // threads that the program starts before main
}

// leanSuffix follows the name of a variant with cmem/lean.
const leanSuffix = "+lean"

// variants are the named ones.
var variants = []Variant{
	{Name: "nocgo", About: "without cgo: CGO_ENABLED=0, -tags netgo", Cgo: CgoOff, Tags: []string{"netgo"}},
	{Name: "default", About: "as go build does without any flag"},
	{Name: "netcgo", About: "the resolver of libc: -tags netcgo", Cgo: CgoOn, Tags: []string{"netcgo"}},
	{Name: "netgo+cgo", About: "the resolver of Go in a build with cgo: -tags 'netgo cgo'", Cgo: CgoOn,
		Tags: []string{"netgo", "cgo"}},
	{Name: "static", About: "with cgo, and libc linked in: -extldflags -static, -tags netgo,osusergo", Cgo: CgoOn,
		Tags: []string{"netgo", "osusergo"}, LDFlags: "-linkmode=external -extldflags=-static"},
	{Name: "pie", About: "position-independent: -buildmode=pie", BuildMode: "pie"},
	{Name: "internal", About: "linked by Go's linker: -linkmode=internal", Cgo: CgoOn, LDFlags: "-linkmode=internal"},
	{Name: "external", About: "linked by the C compiler's linker: -linkmode=external", Cgo: CgoOn,
		LDFlags: "-linkmode=external"},
}

// Variants returns the named variants: those of the articles on netgo and netcgo first, then other ways to link.
func Variants() []Variant {
	all := make([]Variant, len(variants))
	for i, v := range variants {
		v.Tags = slices.Clone(v.Tags)
		all[i] = v
	}
	return all
}

// LookupVariant returns the variant of that name. The name may end in "+lean", which compiles cmem/lean in. The error
// of an unknown one lists the names.
func LookupVariant(name string) (Variant, error) {
	base, lean := strings.CutSuffix(name, leanSuffix)
	var names []string
	for _, v := range Variants() {
		if v.Name == base {
			if lean {
				v = v.WithLean()
			}
			return v, nil
		}
		names = append(names, v.Name)
	}
	return Variant{}, fmt.Errorf("unknown variant %q: expected one of %s, or one of them with %q behind it", name,
		strings.Join(names, ", "), leanSuffix)
}

// WithLean returns v with cmem/lean compiled in, and "+lean" after its name.
func (v Variant) WithLean() Variant {
	v.Name += leanSuffix
	v.Lean = true
	return v
}

// WithLoad returns v with a load compiled in, and the load after its name. The zero Load changes nothing.
func (v Variant) WithLoad(l Load) Variant {
	if l != (Load{}) {
		v.Name += " " + l.String()
		v.Load = l
	}
	return v
}

// Check returns an [*ImpossibleError] where the variant contradicts itself, whatever the program and the machine: netgo
// with netcgo, or what needs cgo without it. Build calls it, and sees to the rest.
func (v Variant) Check() error {
	netgo, netcgo := slices.Contains(v.Tags, "netgo"), slices.Contains(v.Tags, "netcgo")
	switch {
	case netgo && netcgo:
		return v.impossible("the tags netgo and netcgo contradict each other: package net refuses to be built with both")
	case netcgo && v.Cgo == CgoOff:
		return v.impossible("the tag netcgo asks for libc's resolver, which needs cgo, and CGO_ENABLED=0 switches cgo off")
	case v.Lean && v.Cgo == CgoOff:
		return v.impossible("cmem/lean is C code, and CGO_ENABLED=0 switches cgo off (without cgo there is nothing for it " +
			"to do)")
	case v.Lean && strings.Contains(v.LDFlags, "-linkmode=internal"):
		return v.impossible("cmem/lean is a C constructor, and Go's own linker drops those")
	case v.Load.needsCgo() && v.Cgo == CgoOff:
		return v.impossible(fmt.Sprintf("the threads of %s are C's, and CGO_ENABLED=0 switches cgo off; %s does without",
			v.Load, GoThreads))
	case v.Cgo == CgoOff && (strings.Contains(v.LDFlags, "-linkmode=external") ||
		strings.Contains(v.LDFlags, "-extldflags")):
		return v.impossible("linking by the C compiler's linker needs cgo, and CGO_ENABLED=0 switches cgo off")
	}
	return v.Load.check()
}

func (v Variant) impossible(reason string) error {
	return &ImpossibleError{Variant: v.Name, Reason: reason}
}

// An ImpossibleError says why a variant cannot be built: of itself, or of this program.
type ImpossibleError struct {
	Variant string // its name
	Reason  string
}

func (e *ImpossibleError) Error() string { return fmt.Sprintf("variant %s: %s", e.Variant, e.Reason) }
