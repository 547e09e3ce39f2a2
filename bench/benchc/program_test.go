package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
)

const root = "../.."

// build builds the measured program, once.
var build = sync.OnceValues(func() (string, error) {
	cmd := exec.Command("make", "-C", root, "build/release/bench_alloc")
	cmd.Env = append(os.Environ(), "MAKEFLAGS=") // nothing of a make that may have started the tests
	out, err := cmd.CombinedOutput()
	return string(out), err
})

// needProgram returns the measured program's path.
func needProgram(t *testing.T) string {
	t.Helper()
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key + "=" + s.Value {
			case "CGO_ENABLED=0", "-race=true", "-asan=true", "GOEXPERIMENT=cgocheck2":
				t.Skipf("%s=%s: the measured program is the same C program whatever Go is built with", s.Key, s.Value)
			}
		}
	}
	if out, err := build(); err != nil {
		t.Fatalf("make: %v\n%s", err, out)
	}
	return filepath.Join(root, "build/release/bench_alloc")
}

// TestProgramErrors: what the measured program cannot do it says, naming it, with exit status 2.
func TestProgramErrors(t *testing.T) {
	program := needProgram(t)
	for _, tt := range []struct{ args, input, want string }{
		{"dlmalloc pair", "", "allocator dlmalloc: expected cmem or malloc"},
		{"cmem squeeze", "", "workload squeeze: expected pair, turn, once"},
		{"cmem", "", "1 arguments: expected an allocator and a workload"},
		{"cmem pair 64", "", "3 arguments"},
		{"cmem pair --size 0", "", "size 0: expected a number from 1"},
		{"cmem pair --size 64k", "", "size 64k: expected a number"},
		{"cmem pair --threads 257", "", "threads 257: expected a number from 1 to 256"},
		{"cmem hold --min 20 --max 10", "", "max 10: expected no less than min, which is 20"},
		{"cmem turn --min 20 --max 10", "", "max 10: expected no less than min, which is 20"},
		{"cmem pair --speed 9", "", "--speed"},
		{"cmem pair", "-5\n", "operations -5: expected a number from 1"},
	} {
		cmd := exec.Command(program, strings.Fields(tt.args)...)
		cmd.Stdin = strings.NewReader(tt.input)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		err := cmd.Run()
		if cmd.ProcessState.ExitCode() != exitUsage || !strings.Contains(stderr.String(), tt.want) {
			t.Errorf("bench_alloc %s: %v, message %q, want exit status %d and %q", tt.args, err, stderr.String(), exitUsage,
				tt.want)
		}
	}
}

// TestOutOfMemory: an allocator that has no memory ends the program with a message, and the runner tells it.
func TestOutOfMemory(t *testing.T) {
	for _, api := range []string{"cmem", "malloc"} {
		s := &subject{allocator: &allocator{api: api}}
		c, err := startChild(needProgram(t), s, []string{"pair", "--size", "4611686018427387904"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.round(1); err == nil || !strings.Contains(err.Error(),
			"no memory for a block of 4611686018427387904 bytes") {
			t.Errorf("%s: error %v", api, err)
		}
	}
}

// TestChildErrors starts what is no measured program.
func TestChildErrors(t *testing.T) {
	s := &subject{allocator: cmem}
	for program, want := range map[string]string{
		"/nowhere/bench_alloc": "/nowhere/bench_alloc is not there: make bench-c builds it",
		"/bin/false":           "/bin/false cmem: exit status 1",
		"/bin/true":            "/bin/true cmem: no answer",
	} {
		if _, err := startChild(program, s, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", program, err, want)
		}
	}
}

// TestPreload looks for a library that is not there, for one that has no malloc, and for one that has.
func TestPreload(t *testing.T) {
	program, library := needProgram(t), filepath.Join(t.TempDir(), "libmine.so")
	cc := exec.Command("cc", "-shared", "-fPIC", "-o", library, "-xc", "-")
	cc.Stdin = strings.NewReader("#include <stddef.h>\nvoid *__libc_malloc(size_t);\nvoid *malloc(size_t n) { return " +
		"__libc_malloc(n); }\n")
	if out, err := cc.CombinedOutput(); err != nil {
		t.Fatalf("cc: %v\n%s", err, out)
	}
	mine := &allocator{name: "mine", api: "malloc", libraries: []string{"libnone.so", library}, stem: "libmine"}
	none := &allocator{name: "none", api: "malloc", libraries: []string{"libnone.so"}, stem: "libnone",
		packages: "libnone1"}
	math := &allocator{name: "math", api: "malloc", libraries: []string{"libm.so.6"}, stem: "libm.", packages: "libm6"}
	subjects, notes, err := present(&config{program: program, peers: []*allocator{none, mine, math}})
	if err != nil {
		t.Fatal(err)
	}
	if len(subjects) != 3 || subjects[theCmem].allocator != cmem || subjects[theGlibc].allocator != glibc ||
		subjects[2].allocator != mine || subjects[2].Library != library {
		t.Errorf("here are %+v, want cmem, glibc and %s", subjects, library)
	}
	want := []string{
		"none is not here: none of libnone.so (Debian: apt-get install libnone1)",
		"math is not here: none of libm.so.6 (Debian: apt-get install libm6)",
	}
	if strings.Join(notes, "\n") != strings.Join(want, "\n") {
		t.Errorf("notes %q, want %q", notes, want)
	}
}

// TestFrees: what a workload is to free it frees, in whichever thread; kept, it would be 100 MB at least.
func TestFrees(t *testing.T) {
	program := needProgram(t)
	for args, ops := range map[string]int{
		"pair --size 65536 --pages":                               2000,
		"pair --size 65536 --pages --threads 2":                   2000,
		"turn --min 1 --max 200000 --pages":                       2000,
		"turn --min 1 --max 200000 --pages --threads 2":           2000,
		"pc --size 4096":                                          30000,
		"hold --live 4 --min 1000000 --max 1000000 --pages":       200,
		"hold --live 4 --min 1 --max 2000000 --threads 2 --pages": 200,
		"churn --threads 2":                                       300,
	} {
		for _, a := range []*allocator{cmem, glibc} {
			c, err := startChild(program, &subject{allocator: a}, strings.Fields(args))
			if err != nil {
				t.Fatal(err)
			}
			s, err := c.round(ops)
			if err = errors.Join(err, c.stop()); err != nil {
				t.Fatal(err)
			}
			if s.PeakRSS <= 0 || s.PeakRSS > 40e6 {
				t.Errorf("%s %s: peak RSS %.1f MB, want 40 MB at most", a.name, args, s.PeakRSS/1e6)
			}
		}
	}
}
