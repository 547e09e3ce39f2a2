//go:build linux && !race && !asan && !goexperiment.cgocheck2

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// What the compiler reads is nothing that go test knows of: -count=1, as in make test.

var root, _ = filepath.Abs("../..")

// TestFresh fails where a generated file is not what make generate would write.
func TestFresh(t *testing.T) {
	cc := native()
	need(t, cc.cc)
	files, err := generate(root, cc)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range files {
		compare(t, path, want)
	}
}

// TestElsewhere asks the compilers for the other machines that libcmem is for: there the layout is
// the same.
func TestElsewhere(t *testing.T) {
	for _, cc := range []compiler{
		{"x86_64-linux-gnu-gcc", "amd64"},
		{"aarch64-linux-gnu-gcc", "arm64"},
		{"riscv64-linux-gnu-gcc", "riscv64"},
	} {
		t.Run(cc.arch, func(t *testing.T) {
			need(t, cc.cc)
			l, err := readLayout(root, cc)
			if err != nil {
				t.Fatal(err)
			}
			for path, text := range map[string]func() ([]byte, error){"c/layout.go": l.goFile,
				"go/vsz/cmem_layout.go": l.vszFile} {
				want, err := text()
				if err != nil {
					t.Fatal(err)
				}
				compare(t, path, want)
			}
		})
	}
}

func need(t *testing.T, cc string) {
	t.Helper()
	if _, err := exec.LookPath(cc); err != nil {
		t.Skipf("there is no C compiler: %v", err)
	}
}

func compare(t *testing.T, path string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(got, want) {
		return
	}
	was, is := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	line := 0
	for line < min(len(was), len(is)) && bytes.Equal(was[line], is[line]) {
		line++
	}
	t.Errorf("%s is stale from line %d on: run make generate", path, line+1)
}

// TestCheck: a field that does not lie where C has it is found, whatever the rules of this program
// made of it.
func TestCheck(t *testing.T) {
	cc := native()
	need(t, cc.cc)
	l, err := readLayout(root, cc)
	if err != nil {
		t.Fatal(err)
	}
	text, err := l.goFile()
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{"Recent      uint32", "Recent      uint64"},
		{"Kind     uint32", ""},
		{"NPages  uintptr", "NPages  uint8"},
	} {
		wrong := bytes.Replace(text, []byte(change[0]), []byte(change[1]), 1)
		if l.check(wrong) == nil {
			t.Errorf("%q for %q was not found", change[1], change[0])
		}
	}
}
