//go:build !race && !asan && !goexperiment.cgocheck2

// Package module tests the module from outside: as the programs of its users get it, and built with the tools that find
// their mistakes. The builds are the same whatever the tests themselves are built with, so they are made once.
package module

import (
	"go/build"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// root is the directory of this module.
const root = "../.."

// goMod is a user's: without the requirements of the module's own tools.
const goMod = `module example.com/user

go 1.24

require github.com/gocmem/cmem v0.1.0

replace github.com/gocmem/cmem => `

// A module is a user's, in a directory of its own, for which nothing may be downloaded.
type module struct {
	t   *testing.T
	dir string
	env []string
}

// newModule makes a module of files from testdata/user.
func newModule(t *testing.T, files ...string) *module {
	t.Helper()
	dir := t.TempDir()
	at, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	m := &module{t: t, dir: dir, env: append(os.Environ(),
		"GOFLAGS=-mod=mod", "GOPROXY=off", "GOSUMDB=off", "GOWORK=off", "GOTOOLCHAIN=local", "GOEXPERIMENT=",
		"GOMODCACHE="+t.TempDir(), "CGO_ENABLED=1", "CGO_CFLAGS=", "CMEMDEBUG=")}
	m.write("go.mod", goMod+at+"\n")
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join("testdata/user", name))
		if err != nil {
			t.Fatal(err)
		}
		m.write(name, string(text))
	}
	return m
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
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = m.dir, m.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		m.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
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

// TestReplace uses the module as a directory. What the module requires for its own tools is nothing to its user.
func TestReplace(t *testing.T) {
	needCgo(t)
	m := newModule(t, "main.go")
	m.buildAndRun(overC)
	m.run("go", "mod", "tidy")
	m.buildAndRun(overC)
	if modules := m.run("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "."); strings.Trim(
		strings.NewReplacer("example.com/user", "", "github.com/gocmem/cmem", "").Replace(modules), "\n") != "" {
		t.Errorf("the program is built from more modules than its own and cmem:\n%s", modules)
	}
	if _, err := os.Stat(filepath.Join(m.dir, "go.sum")); err == nil {
		t.Error("go mod tidy has written a go.sum: it wants modules that a user of package cmem does not need")
	}
}

// TestNoCgo builds the same program without a C compiler.
func TestNoCgo(t *testing.T) {
	m := newModule(t, "main.go", "shared.go")
	m.set("CGO_ENABLED=0", "CC=/nowhere/cc")
	m.buildAndRun(overGo)
}

// TestVendor copies the module with its C files.
func TestVendor(t *testing.T) {
	needCgo(t)
	m := newModule(t, "main.go")
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
	m.set("GOFLAGS=-mod=vendor")
	if got, want := m.run("go", "list", "-f", "{{.Dir}}", "github.com/gocmem/cmem/c"), filepath.Join(m.dir, inVendor); !sameFile(got, want) {
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
	m.set("CGO_CFLAGS=-O2 -g -I" + m.run("go", "list", "-f", "{{.Dir}}", "github.com/gocmem/cmem/c"))
	m.buildAndRun(overC)
}

// TestOtherSystems compiles package cmem and its tests for systems where libcmem does not run.
func TestOtherSystems(t *testing.T) {
	for _, system := range []string{"linux/386", "windows/amd64", "darwin/arm64"} {
		t.Run(system, func(t *testing.T) {
			goos, goarch, _ := strings.Cut(system, "/")
			for _, args := range [][]string{{"build", "./cmem"}, {"vet", "./cmem"}} {
				cmd := exec.Command("go", args...)
				cmd.Dir = root
				cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0")
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("go %s: %v\n%s", strings.Join(args, " "), err, out)
				}
			}
		})
	}
}
