package vsz

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A LoadKind is what the threads of a [Load] do.
type LoadKind string

const (
	CgoThreads    LoadKind = "cgo-threads"    // each is blocked in a C function
	MallocThreads LoadKind = "malloc-threads" // each holds 64 KiB of C malloc, every page written, and is blocked in C
	// each holds 64 KiB of cmem, every page written, and is blocked in a system call
	CmemThreads LoadKind = "cmem-threads"
	GoThreads   LoadKind = "go-threads" // each is blocked in a system call, without cgo
)

var loadKinds = []LoadKind{CgoThreads, MallocThreads, CmemThreads, GoThreads}

// A Load is a number of threads that are compiled into the program. They are all blocked before main begins, and stay
// so. The zero Load is none.
type Load struct {
	Kind LoadKind
	N    int // 1 to MaxLoad
}

// MaxLoad is the most threads of a load. The Go runtime ends a program at 10,000.
const MaxLoad = 8192

// ParseLoad reads "cgo-threads=64". The error names what it was given and what was expected.
func ParseLoad(s string) (Load, error) {
	kind, count, _ := strings.Cut(s, "=")
	n, err := strconv.Atoi(count)
	l := Load{LoadKind(kind), n}
	if err != nil || l == (Load{}) || l.check() != nil {
		return Load{}, fmt.Errorf("load %q: expected %s=N, N from 1 to %d", s, joinKinds(), MaxLoad)
	}
	return l, nil
}

func (l Load) check() error {
	if l != (Load{}) && (!slices.Contains(loadKinds, l.Kind) || l.N < 1 || l.N > MaxLoad) {
		return fmt.Errorf("load %s: expected %s=N, N from 1 to %d", l, joinKinds(), MaxLoad)
	}
	return nil
}

func joinKinds() string {
	var names []string
	for _, k := range loadKinds {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

// String is what ParseLoad reads; "" for the zero Load.
func (l Load) String() string {
	if l == (Load{}) {
		return ""
	}
	return fmt.Sprintf("%s=%d", l.Kind, l.N)
}

// needsCgo: cmem without cgo is Go memory.
func (l Load) needsCgo() bool { return l.Kind == CgoThreads || l.Kind == MallocThreads }
