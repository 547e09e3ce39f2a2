//go:build linux && cgo && !race && !asan && !goexperiment.cgocheck2

// The command is built the same whatever the tests are built with, so once is enough; without cgo
// there are no variants to compare.

package vsz

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cmem is the path of the command.
var cmem string

func TestMain(m *testing.M) {
	os.Exit(withCommand(m.Run))
}

// withCommand builds the command for f.
func withCommand(f func() int) int {
	dir, err := os.MkdirTemp("", "cmem-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	cmem = filepath.Join(dir, "cmem")
	if out, err := exec.Command("go", "build", "-o", cmem, "../../go/cmd/cmem").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build go/cmd/cmem: %v\n%s", err, out)
		return 1
	}
	return f()
}

// limit is for one command.
const limit = 3 * time.Minute

// A command is one call of cmem vsz, with a mark in its environment, which all that it starts inherits, and a folder of
// its own for temporary files.
type command struct {
	*exec.Cmd
	t              *testing.T
	mark, temp     string
	stdout, stderr bytes.Buffer
}

// marks counts commands.
var marks int

// vsz makes a command that runs in folder dir.
func vsz(t *testing.T, dir string, args ...string) *command {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	marks++
	c := &command{
		Cmd: exec.CommandContext(ctx, cmem, append([]string{"vsz"}, args...)...), t: t,
		mark: fmt.Sprintf("CMEM_VSZ_TEST=%d-%d", os.Getpid(), marks), temp: t.TempDir(),
	}
	c.Dir, c.Stdout, c.Stderr = dir, &c.stdout, &c.stderr
	c.Env = append(plainEnv(), c.mark, "TMPDIR="+c.temp)
	return c
}

// plainEnv is the environment without what changes the programs' memory.
func plainEnv() []string {
	return slices.DeleteFunc(os.Environ(), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return slices.Contains([]string{"MALLOC_ARENA_MAX", "GLIBC_TUNABLES", "GODEBUG", "GOMAXPROCS", "CMEMLEAN",
			"LD_PRELOAD"}, name)
	})
}

// run runs it and wants it to leave nothing. It returns the exit status.
func (c *command) run() int {
	c.t.Helper()
	if err := c.Start(); err != nil {
		c.t.Fatal(err)
	}
	status := c.wait()
	c.wantNothingLeft(0)
	return status
}

func (c *command) wait() int {
	c.t.Helper()
	err := c.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		c.t.Fatal(err)
	}
	return c.ProcessState.ExitCode()
}

// want runs it and wants an exit status, and parts in what it says on standard error.
func (c *command) want(status int, parts ...string) {
	c.t.Helper()
	if got := c.run(); got != status {
		c.t.Errorf("%s: exit status %d, expected %d", c, got, status)
	}
	for _, part := range parts {
		if !strings.Contains(c.stderr.String(), part) {
			c.t.Errorf("%s: expected %q on standard error", c, part)
		}
	}
	if c.t.Failed() {
		c.t.Fatalf("standard error:\n%s\nstandard output:\n%s", &c.stderr, &c.stdout)
	}
}

// wantNothingLeft wants no process and no file of a command that has ended, after a while at most.
func (c *command) wantNothingLeft(patience time.Duration) {
	c.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		left := c.left()
		if len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			c.t.Errorf("%s has left\n  %s", c, strings.Join(left, "\n  "))
			for pid := range c.processes() {
				_ = syscall.Kill(pid, syscall.SIGKILL) // so that a test that fails leaves none either
			}
			return
		}
	}
}

// awaitProcess waits until the command has started a process, of that command line.
func (c *command) awaitProcess(line string) {
	c.t.Helper()
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		for _, p := range c.processes() {
			if p == line {
				return
			}
		}
	}
	c.t.Fatalf("%s has not started %s; it has %q", c, line, c.processes())
}

// left lists the command's processes and files.
func (c *command) left() []string {
	var found []string
	for pid, line := range c.processes() {
		found = append(found, fmt.Sprintf("process %d: %s", pid, line))
	}
	files, err := os.ReadDir(c.temp)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, f := range files {
		found = append(found, filepath.Join(c.temp, f.Name()))
	}
	return found
}

// processes returns the command lines of all processes that have the command's mark.
func (c *command) processes() map[int]string {
	found := make(map[int]string)
	environs, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		c.t.Fatal(err)
	}
	for _, name := range environs {
		env, err := os.ReadFile(name)
		if err != nil || !bytes.Contains(env, []byte(c.mark+"\x00")) {
			continue // it has ended, or is somebody else's
		}
		dir := filepath.Dir(name)
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			c.t.Fatal(err)
		}
		line, _ := os.ReadFile(filepath.Join(dir, "cmdline")) // "" of one that has just ended
		found[pid] = strings.TrimSpace(strings.ReplaceAll(string(line), "\x00", " "))
	}
	return found
}

func (c *command) String() string { return "cmem " + strings.Join(c.Args[1:], " ") }

// module writes a module of the files, and a go.mod, and returns its folder.
func module(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"go.mod": "module example.com/app\n\ngo 1.24\n"})
	writeFiles(t, dir, files)
	return dir
}

func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// quick makes a measurement short: these tests look at what is done with figures, not at their steadiness.
func quick(args ...string) []string {
	return append([]string{"--runs", "1", "--settle", "100ms", "--syscalls=false", "--resolver=false"}, args...)
}

// seed is of the tests' random choices; CMEM_SEED sets it.
func seed(t *testing.T) uint64 {
	t.Helper()
	n := uint64(time.Now().UnixNano())
	if s := os.Getenv("CMEM_SEED"); s != "" {
		var err error
		if n, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("CMEM_SEED=%q is no number: %v", s, err)
		}
	}
	t.Logf("CMEM_SEED=%d repeats this run", n)
	return n
}
