package vsz

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Ready says when a program is ready to be measured. With several conditions set, all must hold; with none, it is ready
// when it has run for a second.
type Ready struct {
	Line    *regexp.Regexp // a line that it prints, on either stream
	Addr    string         // a TCP address that accepts connections, "host:port"
	After   time.Duration  // a time since its start
	Timeout time.Duration  // after this it has failed; 0 is 30 s
}

const (
	defaultAfter   = time.Second
	defaultTimeout = 30 * time.Second
)

// A RunConfig is how a program is run.
type RunConfig struct {
	Args  []string
	Env   []string // added to this process's environment and the variant's RunEnv, as "name=value"
	Dir   string   // working folder; "" is the current one
	Ready Ready

	// Stdin is typed at the start. Standard input then stays open, as a terminal at which nobody types, unless
	// StdinEOF is set.
	Stdin    string
	StdinEOF bool

	// StackLimit is for `ulimit -s`: KiB or "unlimited". "" leaves it.
	StackLimit string

	// Requests are URLs that are fetched, in order, when the program is ready. "$1" or "${name}" stand for what
	// Ready.Line matched: with `listening on (\S+)`, "http://$1/bar". An answer of any status will do.
	Requests []string
}

// A Process is a running program, with a process group of its own. The kernel kills it when this process dies.
type Process struct {
	program *Program
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	output  *output
	started time.Time
	startup time.Duration
	done    chan struct{} // closed when it has ended; then err is set
	err     error
	cancel  context.CancelFunc
}

// Start runs the program until it is ready and its requests are answered. Stop it. Cancelling ctx kills it, at any
// time.
//
// The errors: [*RunError] with the program's output where it ended too early, was not ready in time or did not answer;
// ctx's cause where that was cancelled.
func (p *Program) Start(ctx context.Context, cfg RunConfig) (*Process, error) {
	name, args, err := cfg.command(p.Path)
	if err != nil {
		return nil, err
	}
	return p.start(ctx, cfg, name, args)
}

// command is what is executed: the program, or a shell that sets the limit and becomes the program.
func (cfg *RunConfig) command(path string) (name string, args []string, err error) {
	switch limit := cfg.StackLimit; {
	case limit == "":
		return path, cfg.Args, nil
	case limit != "unlimited":
		if n, err := strconv.ParseUint(limit, 10, 32); err != nil || n == 0 {
			return "", nil, fmt.Errorf("stack limit %q: expected KiB, such as 1024, or unlimited", limit)
		}
	}
	return "sh", append([]string{"-c", `ulimit -S -s "$1" && shift && exec "$@"`, "sh", cfg.StackLimit, path},
		cfg.Args...), nil
}

// start runs a command that is the program, or becomes it.
func (p *Program) start(ctx context.Context, cfg RunConfig, name string, args []string) (*Process, error) {
	if err := p.checkFree(ctx, cfg.Ready.Addr); err != nil {
		return nil, err
	}
	proc := &Process{program: p, output: newOutput(cfg.Ready.Line), done: make(chan struct{})}
	ctx, proc.cancel = context.WithCancel(ctx)
	proc.cmd = p.ws.command(ctx, name, args...)
	if err := proc.launch(cfg); err != nil {
		err = cancelled(ctx, err)
		proc.cancel()
		return nil, err
	}
	err := proc.awaitReady(ctx, cfg.Ready)
	if err == nil {
		err = proc.request(ctx, cfg.Requests)
	}
	if err != nil {
		err = cancelled(ctx, err) // before Stop, which cancels too
		proc.Stop()
		return nil, err
	}
	return proc, nil
}

// runEnv is the environment that the program gets.
func (p *Program) runEnv(cfg RunConfig) []string {
	return slices.Concat(os.Environ(), p.Variant.RunEnv, cfg.Env)
}

// launch starts the command, and what waits for its end.
func (p *Process) launch(cfg RunConfig) error {
	cmd := p.cmd
	cmd.Dir = cfg.Dir
	cmd.Env = p.program.runEnv(cfg)
	cmd.Stdout, cmd.Stderr = p.output.stream(), p.output.stream()
	var err error
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		return err
	}
	p.started = time.Now()
	if err := p.program.ws.start(cmd); err != nil {
		return err
	}
	go func() {
		// A program that does not read its input may end first.
		_, _ = io.WriteString(p.stdin, cfg.Stdin)
		if cfg.StdinEOF {
			p.stdin.Close()
		}
	}()
	go func() {
		p.err = cmd.Wait()
		p.program.ws.end(cmd)
		close(p.done)
	}()
	return nil
}

// checkFree refuses an address at which somebody else answers: the program could not listen there.
func (p *Program) checkFree(ctx context.Context, addr string) error {
	if addr == "" || !answers(ctx, addr) {
		return nil
	}
	return p.runError(nil, fmt.Sprintf("was not started: something listens on %s already", addr))
}

func answers(ctx context.Context, addr string) bool {
	d := net.Dialer{Timeout: time.Second}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// awaitReady waits until all conditions hold.
func (p *Process) awaitReady(ctx context.Context, r Ready) error {
	if r.Line == nil && r.Addr == "" && r.After == 0 {
		r.After = defaultAfter
	}
	if r.Timeout == 0 {
		r.Timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	if r.Line != nil {
		select {
		case <-p.output.matched:
		case <-p.done:
			// The line may be its last one.
			if !p.output.hasMatched() {
				return p.notReady(ctx, r, fmt.Sprintf("printed a line that matches %q", r.Line))
			}
		case <-ctx.Done():
			return p.notReady(ctx, r, fmt.Sprintf("printed a line that matches %q", r.Line))
		}
	}
	for r.Addr != "" && !answers(ctx, r.Addr) {
		if !p.runsFor(ctx, time.Millisecond) {
			return p.notReady(ctx, r, "listened on "+r.Addr)
		}
	}
	if r.Line != nil || r.Addr != "" {
		p.startup = time.Since(p.started)
	}
	if left := r.After - time.Since(p.started); left > 0 && !p.runsFor(ctx, left) {
		return p.notReady(ctx, r, fmt.Sprintf("had run for %v", r.After))
	}
	return nil
}

// runsFor waits for d and tells whether the program still runs and ctx holds.
func (p *Process) runsFor(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-p.done:
	case <-ctx.Done():
	}
	return false
}

// notReady is the error of a program that was to do something first.
func (p *Process) notReady(ctx context.Context, r Ready, what string) error {
	select {
	case <-p.done:
		return p.program.runError(p, fmt.Sprintf("ended before it %s: %s", what, p.exit()))
	default:
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return p.program.runError(p, fmt.Sprintf("was not ready after %v: it has not %s", r.Timeout, what))
	}
	return ctx.Err()
}

// exit is how the program ended: "exit status 1".
func (p *Process) exit() string {
	if p.err == nil {
		return "exit status 0"
	}
	return p.err.Error()
}

// requestTimeout is for one request.
const requestTimeout = 10 * time.Second

// request fetches the URLs.
func (p *Process) request(ctx context.Context, urls []string) error {
	client := &http.Client{Timeout: requestTimeout}
	defer client.CloseIdleConnections()
	for _, url := range urls {
		if err := fetch(ctx, client, p.output.expand(url)); err != nil {
			return p.program.runError(p, fmt.Sprintf("did not answer: %v", err))
		}
	}
	return nil
}

func fetch(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// PID is the process's number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Startup is the time from exec until the program was ready, to about a millisecond; 0 where only a
// time was waited for.
func (p *Process) Startup() time.Duration { return p.startup }

// Output is what the program printed so far, on both streams. Of much output the first and the last 64 KiB are kept.
func (p *Process) Output() string { return p.output.String() }

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Stop kills the process group and waits for its end. It may be called twice.
func (p *Process) Stop() {
	p.cancel()
	<-p.done
}

// A RunError says that a program did not run as it was to.
type RunError struct {
	Program string // its package
	Variant string
	Reason  string // "ended before it listened on :8080: exit status 1"
	Output  string // what it had printed
}

func (e *RunError) Error() string {
	out := strings.TrimRight(e.Output, "\n")
	if out == "" {
		out = "(it printed nothing)"
	}
	return fmt.Sprintf("variant %s: %s %s\n%s", e.Variant, e.Program, e.Reason, out)
}

func (p *Program) runError(proc *Process, reason string) error {
	e := &RunError{Program: p.Package, Variant: p.Variant.Name, Reason: reason}
	if proc != nil {
		e.Output = proc.Output()
	}
	return e
}
