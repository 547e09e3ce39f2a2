//go:build linux && cgo && !race && !asan && !goexperiment.cgocheck2

package vsz

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"
)

// kills is how often TestKill kills the command, and cleanTime how long the sh that then cleans up may take.
const (
	kills     = 14
	cleanTime = 20 * time.Second
)

// TestKill kills the command at random moments: while it builds, C code too, and while programs run, under strace too.
func TestKill(t *testing.T) {
	random := rand.New(rand.NewPCG(seed(t), 0))
	dir := module(t, map[string]string{"main.go": server})
	args := []string{".", "--variants", "nocgo,default", "--lean", "--runs", "1", "--settle", "100ms", "--ready", "^ready"}
	began := time.Now()
	vsz(t, dir, args...).want(0)
	whole := time.Since(began)
	for i := range kills {
		// New C code each time, which the build cache does not have.
		writeFiles(t, dir,
			map[string]string{"c.go": fmt.Sprintf("//go:build cgo\n\npackage main\n\n// int c%d(void) { return %d; }\nimport "+
				"\"C\"\n\nvar _ = C.c%d()\n", i, random.Int32(), i)})
		c := vsz(t, dir, args...)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		after := time.Duration(random.Int64N(int64(whole)))
		signal := []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL}[random.IntN(3)]
		time.Sleep(after)
		if err := c.Process.Signal(signal); err != nil {
			t.Logf("%v after %v: %v", signal, after, err)
		}
		status := c.wait()
		patience := cleanTime
		if signal != syscall.SIGKILL {
			patience = 0 // it cleans up itself
			if ended := c.ProcessState.Sys().(syscall.WaitStatus); status != 0 && status != 128+int(signal) &&
				ended.Signal() != signal {
				t.Errorf("%v after %v: exit status %d, expected %d\n%s", signal, after, status, 128+int(signal), &c.stderr)
			}
		}
		c.wantNothingLeft(patience)
		t.Logf("%v after %v of %v: exit status %d", signal, after.Round(time.Millisecond), whole.Round(time.Millisecond),
			status)
	}
}

// TestKillTwice: the second signal ends it at once, and then too nothing is left.
func TestKillTwice(t *testing.T) {
	dir := module(t, map[string]string{"main.go": waits})
	c := vsz(t, dir, ".", "--variants", "nocgo", "--ready", "never", "--timeout", "1m")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	random := rand.New(rand.NewPCG(seed(t), 0))
	for range 2 {
		// It may have ended by the first one already.
		_ = c.Process.Signal(syscall.SIGTERM)
		time.Sleep(time.Duration(random.Int64N(int64(5 * time.Millisecond))))
	}
	if status := c.wait(); status == 0 {
		t.Error("it has ended well, though it was killed")
	}
	c.wantNothingLeft(cleanTime)
}

// forks starts another program and says that it is ready.
const forks = `package main

import (
	"fmt"
	"os/exec"
	"time"
)

func main() {
	cmd := exec.Command("sleep", "1000")
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	fmt.Println("ready")
	time.Sleep(time.Hour)
}
`

// TestProgramThatForks: what the program has started ends with it, whichever way the command ends.
func TestProgramThatForks(t *testing.T) {
	dir := module(t, map[string]string{"main.go": forks})
	vsz(t, dir, quick(".", "--variants", "nocgo", "--ready", "^ready")...).want(0)
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		c := vsz(t, dir, ".", "--variants", "nocgo", "--ready", "^ready", "--settle", "1m")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		c.awaitProcess("sleep 1000")
		if err := c.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		c.wait()
		c.wantNothingLeft(cleanTime)
	}
}
