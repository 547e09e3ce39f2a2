// Package launch starts the programs around the proxy as child processes, for
// the demo and the tests, and makes sure that none of them is left behind.
package launch

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gocmem/cmem/internal/ending"
)

// Process is a running child. The kernel kills it when this program dies, in
// whichever way.
type Process struct {
	cmd    *exec.Cmd
	lines  chan string   // what it prints on standard output, until nobody reads it
	ended  chan struct{} // closed when it has ended and err is set
	err    error
	output lockedBuffer // all it printed
}

// maxLines is how many lines of standard output are kept for Await.
const maxLines = 256

// Start runs the program at path. env is added to this program's environment.
func Start(path string, args []string, env ...string) (*Process, error) {
	p := &Process{
		cmd:   exec.Command(path, args...),
		lines: make(chan string, maxLines),
		ended: make(chan struct{}),
	}
	p.cmd.Env = append(os.Environ(), env...)
	ending.Bind(p.cmd)
	p.cmd.Stderr = &p.output
	stdout, writer := io.Pipe()
	p.cmd.Stdout = writer
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	scanned := make(chan struct{})
	go func() {
		defer close(scanned)
		p.scan(stdout)
	}()
	go func() {
		err := p.cmd.Wait()
		writer.Close()
		<-scanned
		if err != nil {
			p.err = fmt.Errorf("%s: %w", path, err)
		}
		close(p.ended)
	}()
	return p, nil
}

// scan keeps what the child prints on standard output and passes on its lines.
func (p *Process) scan(stdout io.Reader) {
	defer close(p.lines)
	kept := io.TeeReader(stdout, &p.output)
	s := bufio.NewScanner(kept)
	for s.Scan() {
		select {
		case p.lines <- s.Text():
		default: // nobody waits for a line any more
		}
	}
	// A line too long for the scanner must not stop the child.
	io.Copy(io.Discard, kept)
}

// PID returns the child's process number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Output returns all that the child has printed so far, on both its streams.
func (p *Process) Output() string { return p.output.String() }

// Await waits for a line on the child's standard output that begins with prefix,
// and returns it.
func (p *Process) Await(prefix string, timeout time.Duration) (string, error) {
	expired := time.After(timeout)
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				<-p.ended
				return "", fmt.Errorf("%s ended (%v) before it printed %q:\n%s", p.cmd.Path, p.err, prefix, p.Output())
			}
			if strings.HasPrefix(line, prefix) {
				return line, nil
			}
		case <-expired:
			return "", fmt.Errorf("%s did not print %q within %v:\n%s", p.cmd.Path, prefix, timeout, p.Output())
		}
	}
}

// Ended is closed when the child has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Wait waits until the child has ended. The error is nil for exit status 0, and
// otherwise wraps an *exec.ExitError.
func (p *Process) Wait() error {
	<-p.ended
	return p.err
}

// Signal sends sig. That the child has ended already is not an error.
func (p *Process) Signal(sig os.Signal) error {
	if err := p.cmd.Process.Signal(sig); !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// Stop ends the child by SIGTERM, after grace by SIGKILL, and returns what Wait
// does. It may be called of a child that has ended.
func (p *Process) Stop(grace time.Duration) error {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.ended:
		return p.err
	case <-time.After(grace):
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.ended
	return fmt.Errorf("%s did not end within %v of SIGTERM: %w", p.cmd.Path, grace, p.err)
}

// lockedBuffer collects what several goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(data)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
