//go:build linux && cgo && !race && !asan && !goexperiment.cgocheck2

// Package ending tests that the commands of this repository end by SIGTERM, and when nobody reads
// what they print, and that what they have started ends with them.
package ending

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/procfs"
)

// root is the directory of the repository.
const root = "../.."

// patience is for what takes a second at most on an idle machine; a command that compiles takes minutes.
const patience = 3 * time.Minute

// commands are at work for an hour with these arguments, in which TEMP is a folder.
var commands = map[string]struct {
	pkg, args string
	programs  int  // how many it has started when it is at work
	prints    bool // it goes on printing to standard output
	cleans    bool // it ends by itself, with the status that a shell gives it, and not by the signal
}{
	"cmem": {pkg: "./go/cmd/cmem", args: "vsz --variants nocgo --ready never --timeout 1h ./examples/vsz/ex1",
		programs: 2, cleans: true},
	"vszdocs": {pkg: "./go/cmd/cmem/internal/vszdocs", args: "-only ex1", programs: 1, cleans: true},
	"recycle": {pkg: "./examples/recycle",
		args: "-mode gc -live 1 -burst 0 -seconds 3600 -csv /dev/stdout -svg TEMP/x.svg", prints: true, cleans: true},
	"recycle, two": {pkg: "./examples/recycle", args: "-mode gc,cmem -live 1 -burst 0 -seconds 3600 -out TEMP",
		programs: 1, cleans: true},
	"demo": {pkg: "./examples/proxy/demo", args: "-load 1h -conns 8 -keys 8 -memcached nowhere -out TEMP",
		programs: 2, prints: true, cleans: true},
	"benchc": {pkg: "./bench/benchc", args: "-only pair -peers none -time 1h -program build/release/bench_alloc",
		programs: 1},
	"footprint": {pkg: "./bench/footprint", args: "-modes cmem -warmup 1h body", programs: 1},
	"states":    {pkg: "./bench/states", args: "-only pair -time 1h", programs: 1},
	"growth":    {pkg: "./bench/growth", args: "-only live -time 1h", programs: 1},
	"gate":      {pkg: "./bench/gate", args: "-pairs 1000", programs: 1, cleans: true},
}

// descendants are the processes that the process has started, and those that they have.
func descendants(t *testing.T, pid int) (found []procfs.Proc) {
	t.Helper()
	all, err := procfs.AllProcs()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if stat, err := p.Stat(); err == nil && stat.PPID == pid && stat.State != "Z" {
			found = append(append(found, p), descendants(t, p.PID)...)
		}
	}
	return found
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after %v not yet: %s", patience, what)
		}
	}
}

// TestCommands ends each command in two ways.
func TestCommands(t *testing.T) {
	if out, err := exec.Command("make", "-C", root, "build/release/bench_alloc").CombinedOutput(); err != nil {
		t.Fatalf("make: %v\n%s", err, out)
	}
	bin := t.TempDir()
	for name, c := range commands {
		t.Run(name, func(t *testing.T) {
			program := filepath.Join(bin, filepath.Base(c.pkg))
			build := exec.Command("go", "build", "-o", program, c.pkg)
			build.Dir = root
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for _, how := range []syscall.Signal{syscall.SIGTERM, syscall.SIGPIPE} {
				if how == syscall.SIGPIPE && !c.prints {
					continue // its next line on standard output may be hours away
				}
				t.Run(how.String(), func(t *testing.T) {
					temp := t.TempDir()
					cmd := exec.Command(program, strings.Fields(strings.ReplaceAll(c.args, "TEMP", temp))...)
					cmd.Dir, cmd.Env = root, append(os.Environ(), "TMPDIR="+temp)
					var stderr strings.Builder
					cmd.Stderr = &stderr
					out, err := cmd.StdoutPipe()
					if err == nil {
						err = cmd.Start()
					}
					if err != nil {
						t.Fatal(err)
					}
					defer cmd.Process.Kill()
					first := make([]byte, 1)
					if c.prints {
						if _, err := io.ReadFull(out, first); err != nil {
							t.Fatal(err)
						}
					}
					var started []procfs.Proc
					eventually(t, "it is at work", func() bool {
						started = descendants(t, cmd.Process.Pid)
						return len(started) >= c.programs
					})
					if how == syscall.SIGPIPE {
						out.Close()
					} else if err := cmd.Process.Signal(how); err != nil {
						t.Fatal(err)
					}
					go io.Copy(io.Discard, out)
					end(t, cmd, how, c.cleans)
					eventually(t, "what it has started has ended", func() bool {
						for _, p := range started {
							if stat, err := p.Stat(); err == nil && stat.State != "Z" {
								return false
							}
						}
						return true
					})
					eventually(t, "its temporary files are gone", func() bool {
						left, err := filepath.Glob(filepath.Join(temp, "cmem-*"))
						return err == nil && len(left) == 0
					})
					if t.Failed() {
						t.Logf("it said\n%s", &stderr)
					}
				})
			}
		})
	}
}

// end waits for the command's end.
func end(t *testing.T, cmd *exec.Cmd, how syscall.Signal, cleans bool) {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		status := cmd.ProcessState.Sys().(syscall.WaitStatus)
		bySignal := status.Signaled() && status.Signal() == how
		switch {
		case cleans && status.ExitStatus() == 128+int(how):
		case bySignal && (!cleans || how == syscall.SIGPIPE):
		default:
			t.Errorf("%v; want its end by %v, or exit status %d", err, how, 128+int(how))
		}
	case <-time.After(patience):
		t.Fatal("it still runs")
	}
}
