//go:build linux && cgo && !race && !asan && !goexperiment.cgocheck2

// The programs are built the same whatever the tests are built with, so once is enough.

package vsz

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/procfs"
)

func otherModule(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "a program")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"go.mod":  "module example.com/alone\n\ngo 1.15\n",
		"main.go": "package main\n\nimport \"fmt\"\n\nfunc main() {\n\tfmt.Println(\"ready\")\n\tselect {}\n}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestOtherModule(t *testing.T) {
	w := workspace(t)
	dir := otherModule(t)
	v := lookup(t, "default+lean").WithLoad(Load{MallocThreads, 3})
	proc := start(t, build(t, w, dir, v), RunConfig{Ready: Ready{After: settle}})
	e := explained(t, proc)
	if e.Kind(ThreadStacks).Count < 3 || e.Kind(GlibcArenas).Count != 0 {
		t.Errorf("%+v, %+v; expected the load's stacks, and lean to have no arenas", e.Kind(ThreadStacks),
			e.Kind(GlibcArenas))
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 2 {
		t.Errorf("%d files in the program's folder (%v), expected its two", len(files), err)
	}
}

func TestModuleCache(t *testing.T) {
	w := workspace(t)
	const pkg = "github.com/ajstarks/svgo/barchart"
	p := build(t, w, pkg, lookup(t, "default+lean"))
	if p.Package != pkg || !p.LinksC {
		t.Errorf("%s, links C: %v; expected %s with C", p.Package, p.LinksC, pkg)
	}
}

func TestBuildErrors(t *testing.T) {
	w := workspace(t)
	broken := otherModule(t)
	if err := os.WriteFile(filepath.Join(broken, "main.go"), []byte("package main\n\nfunc main() { nothing() }\n"),
		0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		pkg  string
		v    Variant
		want []string
	}{
		"no package": {"example.com/nowhere", Variant{}, []string{"example.com/nowhere"}},
		"no folder":  {"./nowhere", Variant{}, []string{`"./nowhere"`, "no such folder"}},
		"a library":  {".", Variant{}, []string{"go/vsz", "library", "main package"}},
		"several":    {"./...", Variant{}, []string{`"./..."`, "one main package"}},
		"nothing":    {"", Variant{}, []string{`""`, "one main package"}},
		"a flag":     {"-x", Variant{}, []string{`"-x"`, "one main package"}},
		"does not build": {broken, Variant{Name: "mine", Cgo: CgoOn, Tags: []string{"a", "b"}},
			[]string{"mine", "CGO_ENABLED=1 go build", "-tags=a,b", "undefined: nothing"}},
		"no compiler":   {examples + "ex2", Variant{Cgo: CgoOn, CC: "nosuch-cc"}, []string{"C compiler", "nosuch-cc"}},
		"contradiction": {examples + "ex2", Variant{Tags: []string{"netgo", "netcgo"}}, []string{"contradict"}},
	} {
		_, err := w.Build(context.Background(), c.pkg, c.v)
		for _, part := range c.want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: error %v, expected %s in it", name, err, part)
			}
		}
	}
}

// TestResolverOfSource: tags and settings that the variant does not have decide too.
func TestResolverOfSource(t *testing.T) {
	w := workspace(t)
	const lookup = "package main\n\nimport (\n\t\"net\"\n\t\"time\"\n)\n\nfunc main() " +
		"{\n\tnet.LookupHost(\"localhost\")\n\tprintln(\"ready\")\n\ttime.Sleep(time.Hour)\n}\n"
	for name, c := range map[string]struct{ goflags, main, mod, want string }{
		"GOFLAGS":    {goflags: "-tags=netgo", main: lookup, want: "Go"},
		"//go:debug": {main: "//go:debug netdns=go\n" + lookup, want: "Go"},
		"go.mod":     {main: lookup, mod: "godebug netdns=cgo\n", want: "cgo"},
		"nothing":    {main: lookup, want: "dynamic"},
	} {
		dir := otherModule(t)
		for file, text := range map[string]string{"main.go": c.main, "go.mod": "module example.com/alone\n\ngo 1.24\n\n" +
			c.mod} {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		p := build(t, w, dir, Variant{Name: name, Env: []string{"GOFLAGS=" + c.goflags}})
		for _, ask := range []bool{false, true} {
			row, err := p.Measure(context.Background(),
				MeasureConfig{Run: RunConfig{Ready: Ready{After: settle}}, Settle: settle, Resolver: ask})
			if err != nil {
				t.Fatal(err)
			}
			if row.Resolver != c.want {
				t.Errorf("%s: the resolver is %s (%s), expected %s", name, row.Resolver, row.ResolverBy, c.want)
			}
		}
	}
}

// TestNoCompiler: what is missing, and who needs it, is in the first line: tables have no more.
func TestNoCompiler(t *testing.T) {
	w := workspace(t)
	for name, c := range map[string]struct {
		pkg, env string
		want     []string
	}{
		"imports C":        {"ex6", "CGO_ENABLED=0", []string{`imports "C" (main.go)`, `no "nosuch-cc"`, "but for nocgo"}},
		"links net":        {"ex1", "CGO_ENABLED=1", []string{"needs a C compiler", `no "nosuch-cc"`, "but for nocgo"}},
		"imports C, asked": {"ex6", "CGO_ENABLED=1", []string{"needs a C compiler", `no "nosuch-cc"`, "but for nocgo"}},
	} {
		_, err := w.Build(context.Background(), examples+c.pkg,
			Variant{Name: "default", CC: "nosuch-cc", Env: []string{c.env}})
		var impossible *ImpossibleError
		if !errors.As(err, &impossible) {
			t.Errorf("%s: error %v, expected an ImpossibleError", name, err)
			continue
		}
		first := reason(t, err)
		for _, part := range c.want {
			if !strings.Contains(first, part) {
				t.Errorf("%s: %s; expected %s in it", name, first, part)
			}
		}
	}
	// A program without C is built without one.
	build(t, w, examples+"ex2", Variant{Name: "default", CC: "nosuch-cc", Env: []string{"CGO_ENABLED=1"}})
}

// reason is the first line of an error, all that a table has of it.
func reason(t *testing.T, err error) string {
	t.Helper()
	first, _, _ := strings.Cut(err.Error(), "\n")
	if strings.HasSuffix(first, ":") {
		t.Errorf("%s; expected a line that makes sense alone", first)
	}
	return first
}

// TestInternalLinking: Go's own linker has no words that a user could know what to do by.
func TestInternalLinking(t *testing.T) {
	w := workspace(t)
	_, err := w.Build(context.Background(), examples+"ex1cmem", lookup(t, "internal"))
	var impossible *ImpossibleError
	if !errors.As(err, &impossible) || !strings.Contains(err.Error(), "malformed elf file") {
		t.Fatalf("error %v, expected an ImpossibleError with the linker's words", err)
	}
	first := reason(t, err)
	for _, part := range []string{"thread-local variables of C", "github.com/gocmem/cmem/c",
		"without -linkmode=internal"} {
		if !strings.Contains(first, part) {
			t.Errorf("%s; expected %s in it", first, part)
		}
	}
}

func TestBuildErrorCause(t *testing.T) {
	for output, want := range map[string]string{
		"": "exit status 1",
		"# example.com/x\n./main.go:3:15: undefined: " +
			"nothing\n": "./main.go:3:15: undefined: nothing",
		"# x\n/go/link: running gcc failed: exit status 1\n/usr/bin/gcc -m64 -o x\n/usr/bin/ld: cannot find " +
			"-ly\n": "/usr/bin/ld: cannot find -ly",
	} {
		err := &BuildError{Variant: "static", Command: "go build", Output: output, Err: errors.New("exit status 1")}
		if first, _, _ := strings.Cut(err.Error(), "\n"); first != "variant static: go build: "+want {
			t.Errorf("%q: the first line is %q, expected it to end in %q", output, first, want)
		}
	}
}

func TestPartlyC(t *testing.T) {
	w := workspace(t)
	dir := otherModule(t)
	for name, text := range map[string]string{
		"main.go": "package main\n\nfunc main() { getpid() }\n",
		"c.go":    "package main\n\n// #include <unistd.h>\nimport \"C\"\n\nfunc getpid() { C.getpid() }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.Build(context.Background(), dir, lookup(t, "nocgo"))
	var impossible *ImpossibleError
	if !errors.As(err, &impossible) || !strings.Contains(reason(t, err), "c.go") ||
		!strings.Contains(err.Error(), "undefined: getpid") {
		t.Errorf("error %v, expected an ImpossibleError that names c.go", err)
	}
}

func TestCancelAtAnyMoment(t *testing.T) {
	for delay := 5 * time.Millisecond; delay < 1500*time.Millisecond; delay = delay * 8 / 5 {
		w, err := NewWorkspace()
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), delay)
		v := lookup(t, "default+lean")
		v.LDFlags = fmt.Sprintf("-X main.delay=%d", delay) // so that it is linked anew
		p, err := w.Build(ctx, examples+"ex6", v)
		if err == nil {
			_, err = p.Measure(ctx, MeasureConfig{Run: RunConfig{Ready: ready}, Settle: time.Hour})
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after %v: error %v, expected %v", delay, err, context.DeadlineExceeded)
		}
		cancel()
		for _, name := range processesOf(t, w.Dir()) {
			t.Errorf("after %v: %s is left", delay, name)
		}
		if err := w.Close(); err != nil || !gone(w.Dir()) {
			t.Errorf("after %v: %s is left: %v", delay, w.Dir(), err)
		}
	}
}

func processesOf(t *testing.T, dir string) []string {
	t.Helper()
	all, err := procfs.AllProcs()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, p := range all {
		// One that has ended meanwhile, or that is a zombie, has none.
		args, err := p.CmdLine()
		if err == nil && strings.Contains(strings.Join(args, " "), dir) && !slices.Contains(args, "cmem-vsz-guard") {
			found = append(found, strings.Join(args, " "))
		}
	}
	return found
}

// TestResidentOfFreshBinary: how the linker wrote the executable is nothing to its resident size. A
// copy, written another way, has as much of it.
func TestResidentOfFreshBinary(t *testing.T) {
	w := workspace(t)
	p := build(t, w, examples+"ex1", lookup(t, "external"))
	resident := func() uint64 {
		var all []uint64
		for range 3 {
			proc := start(t, p, RunConfig{Ready: Ready{After: settle}})
			e := explained(t, proc)
			all = append(all, e.Kind(Binary).RSSKiB)
			proc.Stop()
		}
		slices.Sort(all)
		return all[1]
	}
	fresh := resident()
	text, err := os.ReadFile(p.Path)
	if err != nil {
		t.Fatal(err)
	}
	p.Path += "-copied"
	if err := os.WriteFile(p.Path, text, 0o755); err != nil {
		t.Fatal(err)
	}
	if copied := resident(); abs(int64(fresh)-int64(copied)) > int64(copied/10) {
		t.Errorf("%d KiB of the executable are resident, and %d of a copy: expected the same within a tenth", fresh, copied)
	} else {
		t.Logf("%d KiB, and %d of a copy", fresh, copied)
	}
}
