package vsz

import (
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// A Report is a program's variants, measured on one machine. Its JSON is a stable format: fields are only added.
type Report struct {
	Program  string          `json:"program"` // import path of the main package
	Go       string          `json:"go"`      // version of Go that built it
	Kernel   string          `json:"kernel"`  // "Linux 6.18.44"
	CPUs     int             `json:"cpus"`    // that this process may use; glibc allows 8 arenas for each of the machine's
	Variants []VariantReport `json:"variants"`
}

// NewReport returns a report without variants: program, versions and machine are filled in.
func NewReport(p *Program) Report {
	return Report{Program: p.Package, Go: p.Go, Kernel: kernel(), CPUs: runtime.NumCPU(), Variants: []VariantReport{}}
}

// kernel is the system's name and release.
func kernel() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return ""
	}
	return strings.TrimSpace(unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:]))
}

// A VariantReport is one row: a variant of a program, built, run and measured.
type VariantReport struct {
	Name      string   `json:"name"`
	Cgo       bool     `json:"cgo"`     // it was built with CGO_ENABLED=1
	LinksC    bool     `json:"links_c"` // runtime/cgo is in it
	Tags      []string `json:"tags"`
	LDFlags   string   `json:"ldflags,omitempty"`
	BuildMode string   `json:"buildmode,omitempty"`
	RunEnv    []string `json:"env,omitempty"` // what the variant and the knobs added to the program's environment
	Lean      bool     `json:"lean,omitempty"`
	Load      string   `json:"load,omitempty"`

	// Failed says why the variant could not be built or run; then nothing below is set.
	Failed string `json:"failed,omitempty"`

	// "Go", "cgo", "dynamic" (Go's or libc's, a lookup decides) or "none"
	Resolver    string           `json:"resolver"`
	ResolverBy  string           `json:"resolver_by,omitempty"` // how that is known: the netdns line, or how it is built
	NetLines    []string         `json:"net_lines,omitempty"`   // "go package net: ...": what its package net says of it
	Libs        []string         `json:"libs"`                  // shared libraries it names
	Linked      string           `json:"linked"`                // "static", "static-pie", "dynamic" or "pie"
	BinaryBytes int64            `json:"binary_bytes"`          // size of the executable
	StartupMS   float64          `json:"startup_ms"`            // from exec to ready; 0 where only a time was waited for
	Kinds       []KindUsage      `json:"kinds"`                 // they sum to vsz_kib and rss_kib
	Syscalls    map[string]int64 `json:"syscalls"`              // calls until ready; see Syscalls
	NoSyscalls  string           `json:"no_syscalls,omitempty"` // why there are none
	StackLimit  string           `json:"stack_limit,omitempty"` // ulimit -s, where it was set
	StackKiB    uint64           `json:"stack_kib"`             // stack of a C thread by default, as RLIMIT_STACK has it

	// Of the runs of which this one is the typical one, the least and the most; of a single run they are the same.
	VSZRangeKiB [2]uint64 `json:"vsz_range_kib"`
	RSSRangeKiB [2]uint64 `json:"rss_range_kib"`

	Usage
}

// NewVariantReport returns the row of a variant that has not been measured.
func NewVariantReport(v Variant) VariantReport {
	return VariantReport{
		Name: v.Name, Tags: append([]string{}, v.Tags...), LDFlags: v.LDFlags, BuildMode: v.BuildMode, RunEnv: v.RunEnv,
		Lean: v.Lean, Load: v.Load.String(), Libs: []string{}, Kinds: []KindUsage{}, Syscalls: map[string]int64{},
	}
}

// FailedVariant returns the row of a variant that could not be built or run.
func FailedVariant(v Variant, err error) VariantReport {
	row := NewVariantReport(v)
	row.Failed = err.Error()
	return row
}

// build fills in what the executable tells.
func (r *VariantReport) build(p *Program) {
	r.Cgo, r.LinksC, r.Linked, r.BinaryBytes = p.Cgo, p.LinksC, p.Linked, p.Bytes
	r.Libs = append(r.Libs, p.Libs...)
}

// Kind returns the row's usage of kind k; its zero value but for the name where it has none.
func (r *VariantReport) Kind(k Kind) KindUsage { return findKind(r.Kinds, k) }

// Kind returns the usage of kind k; its zero value but for the name where there is none.
func (e *Explanation) Kind(k Kind) KindUsage { return findKind(e.Kinds, k) }

func findKind(all []KindUsage, k Kind) KindUsage {
	for _, u := range all {
		if u.Kind == k {
			return u
		}
	}
	return KindUsage{Kind: k}
}
