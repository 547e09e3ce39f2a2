package vsz

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
)

// A Workspace is a temporary folder for built programs. It is removed, and what was started from it is killed, when it
// is closed and also when this process dies in whichever way: a small sh waits for that. Its methods may be called from
// several goroutines.
type Workspace struct {
	dir   string
	guard *exec.Cmd
	pipe  io.WriteCloser // to the guard; it acts when this is closed

	mu     sync.Mutex
	groups []int // process groups that run
	builds int
	closed bool
}

// guardScript reads, line by line, the process groups that run. When no more comes, this process has ended or closed
// the workspace: it kills the last ones and removes the folder. They may still be dying, so it tries several times.
const guardScript = `
trap '' HUP INT QUIT TERM
groups=
while read -r line; do groups=$line; done
for group in $groups; do kill -s KILL -- "-$group"; done
tries=0
until rm -rf -- "$1" || [ $((tries += 1)) -ge 50 ]; do sleep 0.1; done
`

// NewWorkspace makes one in the system's folder for temporary files. Close it.
func NewWorkspace() (*Workspace, error) {
	dir, err := os.MkdirTemp("", "cmem-vsz-")
	if err != nil {
		return nil, err
	}
	w := &Workspace{dir: dir}
	if err := w.startGuard(); err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("start the guard of %s: %w", dir, err)
	}
	return w, nil
}

func (w *Workspace) startGuard() error {
	w.guard = exec.Command("sh", "-c", guardScript, "cmem-vsz-guard", w.dir)
	w.guard.Dir = "/"
	w.guard.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // out of the terminal's reach
	pipe, err := w.guard.StdinPipe()
	if err != nil {
		return err
	}
	w.pipe = pipe
	return w.guard.Start()
}

// Dir is the folder.
func (w *Workspace) Dir() string { return w.dir }

// Close kills what still runs and removes the folder. It may be called twice.
func (w *Workspace) Close() error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return nil
	}
	w.closed = true
	groups := slices.Clone(w.groups)
	w.mu.Unlock()
	for _, group := range groups {
		killGroup(group)
	}
	err := os.RemoveAll(w.dir)
	w.pipe.Close()
	w.guard.Wait() // it has nothing left to do, and may have been killed before
	return err
}

// track has the guard know that the process group runs, or that it has ended. It returns false where the workspace is
// closed.
func (w *Workspace) track(group int, runs bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.groups = slices.DeleteFunc(w.groups, func(g int) bool { return g == group })
	if runs {
		w.groups = append(w.groups, group)
	}
	if !w.closed {
		// It fails where somebody has killed the guard: then there is none.
		_, _ = fmt.Fprintln(w.pipe, strings.Trim(fmt.Sprint(w.groups), "[]"))
	}
	return !w.closed
}

// newDir makes a folder in the workspace.
func (w *Workspace) newDir() (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return "", errors.New("the workspace is closed")
	}
	w.builds++
	dir := fmt.Sprintf("%s/%d", w.dir, w.builds)
	return dir, os.Mkdir(dir, 0o755)
}

// command returns one that runs in a process group of its own, which ends with ctx and with this process.
func (w *Workspace) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	// The signal comes when the thread ends that starts the command, and Go keeps its threads until the program ends.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second // for a grandchild that has left the group with our pipe
	return cmd
}

// run runs a command of this workspace to its end, with all that it has started. The error is ctx's where that is done.
func (w *Workspace) run(ctx context.Context, cmd *exec.Cmd) error {
	if err := w.start(cmd); err != nil {
		return cancelled(ctx, err)
	}
	err := cmd.Wait()
	w.end(cmd)
	return cancelled(ctx, err)
}

func (w *Workspace) start(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	if !w.track(cmd.Process.Pid, true) {
		killGroup(cmd.Process.Pid)
		return errors.Join(errors.New("the workspace is closed"), cmd.Wait())
	}
	return nil
}

// end sees to what a command that was waited for has left in its group.
func (w *Workspace) end(cmd *exec.Cmd) {
	killGroup(cmd.Process.Pid)
	w.track(cmd.Process.Pid, false)
}

// killTime is how long a killed process may take to be gone.
const killTime = 2 * time.Second

// killGroup kills a process group and waits until none of it runs.
func killGroup(group int) {
	for end := time.Now().Add(killTime); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if err := syscall.Kill(-group, syscall.SIGKILL); err != nil || !groupRuns(group) {
			return
		}
	}
}

// groupRuns tells whether the group has a process that is no zombie: one that only its parent can do away with.
func groupRuns(group int) bool {
	all, err := procfs.AllProcs()
	if err != nil {
		return true
	}
	for _, p := range all {
		stat, err := p.Stat()
		if err == nil && stat.PGRP == group && stat.State != "Z" && stat.State != "X" {
			return true
		}
	}
	return false
}

// cancelled is the cause of ctx's end where it has ended, for then err is but its effect.
func cancelled(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
