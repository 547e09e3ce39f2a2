//go:build !race && !asan && !goexperiment.cgocheck2

// Package module tests the modules from outside: as the programs of their users get them, released
// and built with the tools that find mistakes. The builds are the same whatever the tests
// themselves are built with, so they are made once.
package module

import (
	"fmt"
	"go/build"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gocmem/cmem/tests/release/pack"
)

// root is the directory of the repository.
const root = "../.."

// served is the repository's modules as a proxy has them, at the version that they require each other at.
var served struct{ proxy, version string }

func TestMain(m *testing.M) {
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	proxy, err := os.MkdirTemp("", "cmem-module-test-")
	if err == nil {
		defer os.RemoveAll(proxy)
		served.proxy = proxy
		err = serve()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// serve writes the modules. All are to require each other at one version, or what is tested is no release.
func serve() error {
	modules, err := pack.Modules(root)
	if err != nil {
		return err
	}
	for _, m := range modules {
		for _, r := range m.Requires {
			if served.version == "" {
				served.version = r.Version
			}
			if r.Version != served.version {
				return fmt.Errorf("%s requires %s, and another module requires one of this repository at %s: expected one version",
					m.Path, r, served.version)
			}
		}
	}
	for _, m := range modules {
		if _, err := m.Write(served.proxy, served.version); err != nil {
			return err
		}
	}
	return nil
}

// A module is a user's, in a directory of its own, with an empty module cache.
type module struct {
	t   *testing.T
	dir string
	env []string
}

// newModule makes a module of files from testdata/user. Nothing but this repository's modules may
// be downloaded for it. With -trimpath what was compiled for one test serves the others, whose
// module caches have other paths.
func newModule(t *testing.T, files ...string) *module {
	t.Helper()
	m := &module{t: t, dir: t.TempDir(), env: append(os.Environ(),
		"GOFLAGS=-modcacherw -trimpath", "GOPROXY=file://"+served.proxy, "GOSUMDB=off", "GOWORK=off", "GOTOOLCHAIN=local",
		"GOEXPERIMENT=",
		"GOMODCACHE="+t.TempDir(), "GOBIN=", "CGO_ENABLED=1", "CGO_CFLAGS=", "CMEMDEBUG=")}
	m.write("go.mod", "module example.com/user\n\ngo 1.24\n")
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join("testdata/user", name))
		if err != nil {
			t.Fatal(err)
		}
		m.write(name, string(text))
	}
	return m
}

// others is where modules of others come from: the module cache of whoever runs the tests, then as usual.
func others(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOMODCACHE", "GOPROXY").Output()
	if err != nil {
		t.Fatal(err)
	}
	cache, proxy, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return "file://" + cache + "/cache/download," + proxy
}

func (m *module) write(name, text string) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.dir, name), []byte(text), 0o666); err != nil {
		m.t.Fatal(err)
	}
}

// set sets environment variables, "NAME=value".
func (m *module) set(env ...string) { m.env = append(m.env, env...) }

// run runs a program in the module's directory, which must not fail, and returns what it prints.
func (m *module) run(name string, args ...string) string {
	m.t.Helper()
	out, err := m.command(name, args...).CombinedOutput()
	if err != nil {
		m.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// command is a program that is to run in the module's directory.
func (m *module) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = m.dir, m.env
	return cmd
}

// buildAndRun builds the program and checks what it prints.
func (m *module) buildAndRun(want string) {
	m.t.Helper()
	m.run("go", "build", "-o", "user", ".")
	if got := m.run("./user"); got != want {
		m.t.Errorf("the program printed %q, want %q", got, want)
	}
}

const (
	overC  = "all well, C memory: true"
	overGo = "all well, C memory: false"
)

// needCgo skips where these tests are to do without a C compiler, and where libcmem does not run.
func needCgo(t *testing.T) {
	t.Helper()
	if !build.Default.CgoEnabled {
		t.Skip("CGO_ENABLED=0: no C compiler is to be used")
	}
	if runtime.GOOS != "linux" {
		t.Skip("libcmem is for Linux")
	}
}

// TestGet adds cmem to a program. Its module graph is to gain cmem, and what that says of Go's
// version, and nothing more.
func TestGet(t *testing.T) {
	needCgo(t)
	m := newModule(t, "main.go")
	m.run("go", "get", "github.com/gocmem/cmem")
	m.buildAndRun(overC)
	m.run("go", "mod", "tidy")
	m.buildAndRun(overC)
	cmem := "github.com/gocmem/cmem@" + served.version
	got := strings.Split(m.run("go", "mod", "graph"), "\n")
	want := []string{
		"example.com/user " + cmem,
		"example.com/user go@1.24",
		cmem + " go@1.24",
		"go@1.24 toolchain@go1.24",
	}
	if !slices.Equal(got, want) {
		t.Errorf("go mod graph prints\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestVet compiles all packages of cmem and their tests, in the user's module: they want the standard library only.
func TestVet(t *testing.T) {
	needCgo(t)
	m := newModule(t, "main.go")
	m.run("go", "get", "github.com/gocmem/cmem")
	// with -trimpath vet looks for sources where they were when another test had them compiled
	m.set("GOFLAGS=-modcacherw")
	m.run("go", "vet", "github.com/gocmem/cmem/...")
}

// TestInstall installs the command by its version, which go refuses where a go.mod replaces anything.
func TestInstall(t *testing.T) {
	needCgo(t)
	m := newModule(t)
	m.set("GOPROXY=file://"+served.proxy+","+others(t), "GOBIN="+m.dir)
	m.run("go", "install", "github.com/gocmem/cmem/go/cmd/cmem@"+served.version)
	if out := m.run("./cmem", "classes"); !strings.Contains(out, "class") {
		t.Errorf("cmem classes printed\n%s", out)
	}
	m.measures("./cmem")
}

// TestTool has the user's go.mod name the command.
func TestTool(t *testing.T) {
	needCgo(t)
	m := newModule(t)
	m.set("GOPROXY=file://" + served.proxy + "," + others(t))
	m.run("go", "get", "-tool", "github.com/gocmem/cmem/go/cmd/cmem@"+served.version)
	m.measures("go", "tool", "cmem")
}

// TestInstallFromClone installs the command from the repository's directory.
func TestInstallFromClone(t *testing.T) {
	needCgo(t)
	m := newModule(t)
	at, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	m.set("GOPROXY="+others(t), "GOWORK=", "GOBIN="+m.dir)
	m.run("go", "-C", at, "install", "./go/cmd/cmem")
	m.set("GOWORK=off")
	m.measures("./cmem")
}

// measures has the command measure a program of the user's, with cmem/lean and without.
func (m *module) measures(command ...string) {
	m.t.Helper()
	m.write("main.go",
		"package main\n\nimport (\n\t\"fmt\"\n\t_ \"net\"\n)\n\nfunc main() {\n\tfmt.Println(\"ready\")\n\tfmt.Scanln()\n}\n")
	args := append(command[1:], "vsz", ".", "--variants", "nocgo,default", "--lean", "--runs", "1", "--ready", "^ready")
	out := m.run(command[0], args...)
	for _, want := range []string{"example.com/user\n", "\nnocgo ", "\ndefault ", "\ndefault+lean ",
		"cmem/lean, compiled in by --lean or by an import, removes "} {
		if !strings.Contains(out, want) {
			m.t.Errorf("%s does not print %q, but\n%s", strings.Join(append(command, "vsz"), " "), want, out)
		}
	}
}

// TestReplace uses the repository's directory, whose go.work is nothing to the user.
func TestReplace(t *testing.T) {
	needCgo(t)
	m := newModule(t, "main.go")
	at, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	m.set("GOPROXY=off")
	m.run("go", "mod", "edit", "-require=github.com/gocmem/cmem@v0.0.0", "-replace=github.com/gocmem/cmem="+at)
	m.buildAndRun(overC)
}

// TestNoCgo builds the same program without a C compiler.
func TestNoCgo(t *testing.T) {
	m := newModule(t, "main.go", "shared.go")
	m.run("go", "get", "github.com/gocmem/cmem")
	m.set("CGO_ENABLED=0", "CC=/nowhere/cc")
	m.buildAndRun(overGo)
}

// TestVendor copies the module with its C files.
func TestVendor(t *testing.T) {
	needCgo(t)
	m := newModule(t, "main.go")
	m.run("go", "get", "github.com/gocmem/cmem")
	m.run("go", "mod", "vendor")
	const inVendor = "vendor/github.com/gocmem/cmem/c"
	for _, pattern := range []string{"*.c", "*.h"} {
		names, err := filepath.Glob(filepath.Join(root, "c", pattern))
		if err != nil || len(names) == 0 {
			t.Fatalf("no %s in the module: %v", pattern, err)
		}
		for _, name := range names {
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(filepath.Join(m.dir, inVendor, filepath.Base(name)))
			if err != nil || string(got) != string(want) {
				t.Errorf("%s is not in the copy as it is in the module: %v", filepath.Base(name), err)
			}
		}
	}
	m.set("GOFLAGS=-mod=vendor", "GOPROXY=off", "GOMODCACHE="+t.TempDir())
	if got, want := m.run("go", "list", "-f", "{{.Dir}}", "github.com/gocmem/cmem/c"),
		filepath.Join(m.dir, inVendor); !sameFile(got, want) {
		t.Errorf("package c is taken from %s, want %s", got, want)
	}
	m.buildAndRun(overC)
}

func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// TestUsersCgo builds a program whose own C code includes cmem.h, and which shares the heap with it.
func TestUsersCgo(t *testing.T) {
	needCgo(t)
	m := newModule(t, "main.go", "shared.go")
	m.run("go", "get", "github.com/gocmem/cmem")
	m.set("CGO_CFLAGS=-O2 -g -I" + m.run("go", "list", "-f", "{{.Dir}}", "github.com/gocmem/cmem/c"))
	m.buildAndRun(overC)
}
