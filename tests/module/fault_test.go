//go:build !race && !asan && !goexperiment.cgocheck2

package module

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// faulty builds the program with a flag of go build, and maybe another environment.
func faulty(t *testing.T, flag string, env ...string) string {
	t.Helper()
	needCgo(t) // which both tools do
	switch runtime.GOOS + "/" + runtime.GOARCH {
	case "linux/amd64", "linux/arm64":
	default:
		t.Skipf("go build has no %s here", flag)
	}
	program := filepath.Join(t.TempDir(), "faulty")
	build := exec.Command("go", "build", flag, "-o", program, "./faulty")
	build.Env = append(os.Environ(), env...)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", flag, err, out)
	}
	return program
}

// run makes the program do a fault, with an address space that is laid out as usual: the tools' shadow memory has its
// fixed place, which the wide random layouts of recent kernels may occupy.
func run(program, fault string, n int, env ...string) (status int, output string) {
	args := []string{program, fault, strconv.Itoa(n)}
	if exec.Command("setarch", "-R", "true").Run() == nil {
		args = append([]string{"setarch", "-R"}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		return -1, err.Error()
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// TestAsan wants AddressSanitizer to report what is done to memory that is free, or not asked for.
func TestAsan(t *testing.T) {
	program := faulty(t, "-asan")
	const poisoned = "ERROR: AddressSanitizer: use-after-poison"
	for _, n := range []int{100, 1000, 100_000, 20_000_001} {
		if status, out := run(program, "none", n); status != 0 {
			t.Fatalf("no fault, %d bytes: exit status %d\n%s", n, status, out)
		}
		for _, fault := range []string{
			"read-after-free", "write-after-free", "overflow", "overflow-reused", "overflow-realloc", "overflow-shrunk",
			"handle-after-free",
		} {
			status, out := run(program, fault, n)
			if status == 0 || !strings.Contains(out, poisoned) {
				t.Errorf("%s, %d bytes: exit status %d, output without %q:\n%s", fault, n, status, poisoned, out)
			}
		}
	}
}

// TestAsanLines tests a user's package with a use after free. The go command keeps no line numbers
// in a test binary but with -o.
func TestAsanLines(t *testing.T) {
	needCgo(t)
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("go test has no -asan here")
	}
	m := newModule(t)
	m.write("user_test.go", `package user

import (
	"testing"

	"github.com/gocmem/cmem/cmem"
)

var sink byte

func TestIt(t *testing.T) {
	b := cmem.Alloc(1000)
	cmem.Free(b)
	sink = b[5]
}
`)
	m.run("go", "get", "-t", "github.com/gocmem/cmem")
	m.set("GOFLAGS=-modcacherw")
	cmd := exec.Command("go", "test", "-asan", "-o", "bin/", "./...")
	if exec.Command("setarch", "-R", "true").Run() == nil { // see run
		cmd = exec.Command("setarch", append([]string{"-R"}, cmd.Args...)...)
	}
	cmd.Dir, cmd.Env = m.dir, m.env
	if err := os.Mkdir(filepath.Join(m.dir, "bin"), 0o777); err != nil {
		t.Fatal(err)
	}
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "user_test.go:14") {
		t.Errorf("%v, and the report has no line:\n%s", err, out)
	}
}

// TestMsan wants MemorySanitizer, for which the C files are compiled too, to report a use of what
// nobody has written, and no other.
func TestMsan(t *testing.T) {
	if _, err := exec.LookPath("clang"); err != nil {
		t.Skip("go build -msan needs clang")
	}
	program := faulty(t, "-msan", "CC=clang")
	const undefined = "WARNING: MemorySanitizer: use-of-uninitialized-value"
	for _, n := range []int{100, 100_000, 20_000_001} {
		if status, out := run(program, "none", n); status != 0 {
			t.Fatalf("no fault, %d bytes: exit status %d\n%s", n, status, out)
		}
		for _, fault := range []string{"uninitialised", "read-after-free", "handle-after-free"} {
			status, out := run(program, fault, n)
			if status == 0 || !strings.Contains(out, undefined) {
				t.Errorf("%s, %d bytes: exit status %d, output without %q:\n%s", fault, n, status, undefined, out)
			}
		}
	}
}

// TestRace wants the race detector to report a write after another goroutine's Free.
func TestRace(t *testing.T) {
	program := faulty(t, "-race")
	const soon = "GORACE=atexit_sleep_ms=0"
	for _, n := range []int{64, 100_000, 20_000_000} {
		if status, out := run(program, "none", n, soon); status != 0 {
			t.Fatalf("no fault, %d bytes: exit status %d\n%s", n, status, out)
		}
		for _, fault := range []string{"race", "race-reused"} {
			t.Run(fmt.Sprintf("%s/%d", fault, n), func(t *testing.T) {
				status, out := run(program, fault, n, soon)
				if status != 66 {
					t.Errorf("exit status %d, want the detector's 66", status)
				}
				for _, want := range []string{"WARNING: DATA RACE", "cmem.Free", "main." +
					map[string]string{"race": "race", "race-reused": "raceReused"}[fault]} {
					if !strings.Contains(out, want) {
						t.Errorf("the report lacks %q:\n%s", want, out)
					}
				}
			})
		}
	}
}

// TestRaceFreeInC wants C's cmem_free of a Go buffer to say what is the matter under the race
// detector. Without it, it is right.
func TestRaceFreeInC(t *testing.T) {
	if status, out := run(faulty(t, "-trimpath"), "free-in-c", 1000); status != 0 {
		t.Errorf("without -race: exit status %d\n%s", status, out)
	}
	const want = "foreign pointer: not in cmem's heap (with -race Go's buffers are Go memory: free them in Go)"
	if status, out := run(faulty(t, "-race"), "free-in-c", 1000); status == 0 || !strings.Contains(out, want) {
		t.Errorf("with -race: exit status %d, want the end by abort and %q:\n%s", status, want, out)
	}
}
