//go:build linux && cgo && !race && !asan && !goexperiment.cgocheck2

package vsz

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal opens a pseudo-terminal: what a program sees, and the side from which one reads what is on the screen.
func terminal(t *testing.T) (program, screen *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { screen.Close() })
	if err := unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no pseudo-terminals here: %v", err)
	}
	return program, screen
}

// TestProgress wants progress on a terminal, but not where --quiet is said.
func TestProgress(t *testing.T) {
	dir := module(t, map[string]string{"main.go": waits})
	for _, quiet := range []bool{false, true} {
		program, screen := terminal(t)
		c := vsz(t, dir, quick(".", "--variants", "nocgo", "--ready", "^ready", fmt.Sprintf("--quiet=%v", quiet))...)
		c.Stderr = program
		c.want(0)
		program.Close()
		text, _ := io.ReadAll(screen) // it ends with an error: the other side is closed
		if shown := strings.Contains(string(text), "building 1 of 1: nocgo") &&
			strings.Contains(string(text), "measuring 1 of 1: nocgo (run 1 of 1)"); shown == quiet {
			t.Errorf("--quiet=%v: the screen has %q", quiet, text)
		}
	}
}

// TestProgressElsewhere wants a line now and then where standard error is no terminal, but not where --quiet is said.
func TestProgressElsewhere(t *testing.T) {
	dir := module(t, map[string]string{"main.go": waits})
	for _, quiet := range []bool{false, true} {
		c := vsz(t, dir, quick(".", "--variants", "nocgo", "--ready", "11s", fmt.Sprintf("--quiet=%v", quiet))...)
		c.want(0)
		if shown := strings.Contains(c.stderr.String(), " s: measuring 1 of 1: nocgo (run 1 of 1)\n"); shown == quiet {
			t.Errorf("--quiet=%v: standard error has %q", quiet, &c.stderr)
		}
	}
}
