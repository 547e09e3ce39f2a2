package vsz

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// LibrariesOpened is the entry of a row's Syscalls that counts the shared libraries that were opened; the others are
// calls by name: mmap, munmap, mprotect, brk, clone (clone3 too).
const LibrariesOpened = "openat(libraries)"

// countedCalls are the calls that strace shows for the counts. Not every machine has those with a question mark.
const countedCalls = "execve,openat,mmap,munmap,mprotect,brk,clone,?clone3"

// countSyscalls runs the program under strace until it is ready and counts the calls since its execve. Where that does
// not work, noSyscalls says why.
func (p *Program) countSyscalls(ctx context.Context, run RunConfig) (counts map[string]int64, noSyscalls string,
	err error) {
	counts = map[string]int64{}
	calls, err := p.strace(ctx, run, "-e", "trace="+countedCalls)
	var failed *RunError
	switch {
	case errors.Is(err, errNoStrace):
		return counts, err.Error(), nil
	case errors.As(err, &failed):
		return counts, fmt.Sprintf("under strace it %s: %s", failed.Reason, strings.TrimSpace(failed.Output)), nil
	case err != nil:
		return nil, "", err
	}
	for _, c := range calls {
		c.count(counts)
	}
	return counts, "", nil
}

var errNoStrace = errors.New("there is no strace")

// strace runs the program under strace with these options until it is ready, and returns its calls since its execve.
func (p *Program) strace(ctx context.Context, run RunConfig, options ...string) ([]call, error) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		return nil, errNoStrace
	}
	name, args, err := run.command(p.Path)
	if err != nil {
		return nil, err
	}
	dir, err := p.ws.newDir()
	if err != nil {
		return nil, err
	}
	trace := filepath.Join(dir, "trace")
	proc, err := p.start(ctx, run, strace, slices.Concat([]string{"-f", "-s", "512", "-o", trace}, options, []string{name},
		args))
	if err != nil {
		return nil, err
	}
	defer proc.Stop()
	f, err := os.Open(trace)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := proc.endTraced(ctx, f); err != nil {
		return nil, cancelled(ctx, err)
	}
	return readTrace(f, p.Path)
}

// endTraced ends what strace traces, so that strace writes what it has and ends too.
func (p *Process) endTraced(ctx context.Context, trace io.ReadSeeker) error {
	first, err := bufio.NewReader(trace).ReadString(' ')
	if err != nil {
		return fmt.Errorf("the trace has no first line: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil {
		return fmt.Errorf("the trace begins with %q: expected a process number", first)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	p.runsFor(ctx, killTime)
	_, err = trace.Seek(0, io.SeekStart)
	return err
}

// A line of a trace: "PID name(arguments) = result", or in two parts, "PID name(arguments <unfinished ...>" and
// "PID <... name resumed>rest) = result".
var (
	traceCall    = regexp.MustCompile(`^(\d+) +(\w+)\((.*)$`)
	traceResumed = regexp.MustCompile(`^(\d+) +<\.\.\. (\w+) resumed>(.*)$`)
	traceResult  = regexp.MustCompile(`\) *= (-?\d+|0x[0-9a-f]+|\?)[^=]*$`)
)

const traceUnfinished = "<unfinished ...>"

// A call is one system call of a trace.
type call struct {
	pid, name string
	rest      string // arguments and result: `NULL, 8192, ...) = 0x7f01`
}

// readTrace returns the calls from the program's execve on, in the order in which they begin.
func readTrace(trace io.Reader, program string) ([]call, error) {
	var calls []call
	open := make(map[string]int) // by process: the call of which the first part was seen
	lines := bufio.NewScanner(trace)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		i := len(calls)
		if m := traceResumed.FindStringSubmatch(line); m != nil {
			first, ok := open[m[1]]
			if !ok {
				continue // it has begun before the program's execve
			}
			i = first
			calls[i].rest += m[3]
			delete(open, m[1])
		} else if m := traceCall.FindStringSubmatch(line); m != nil {
			part, unfinished := strings.CutSuffix(m[3], traceUnfinished)
			calls = append(calls, call{m[1], m[2], part})
			if unfinished {
				open[m[1]] = i
				continue
			}
		} else {
			continue // a signal, an exit
		}
		if calls[i].name == "execve" && calls[i].succeeded() && traceString(calls[i].rest) == program {
			calls = calls[i:] // so far it was a shell that set a limit
			clear(open)
		}
	}
	return calls, lines.Err()
}

// succeeded tells whether the call has returned, and no error.
func (c *call) succeeded() bool {
	result := traceResult.FindStringSubmatch(c.rest)
	return result != nil && !strings.HasPrefix(result[1], "-")
}

// count counts the call, whether it returns or not, if it is one of those that are.
func (c *call) count(counts map[string]int64) {
	switch c.name {
	case "clone", "clone3":
		counts["clone"]++
	case "mmap", "munmap", "mprotect", "brk":
		counts[c.name]++
	case "openat":
		if c.succeeded() && libraryName.MatchString(traceString(c.rest)) {
			counts[LibrariesOpened]++
		}
	}
}

// traceString is the first string among the arguments.
func traceString(arguments string) string {
	_, rest, _ := strings.Cut(arguments, `"`)
	s, _, _ := strings.Cut(rest, `"`)
	return s
}

// libraryName matches libc.so.6 and libfoo.so, and not ld.so.cache.
var libraryName = regexp.MustCompile(`\.so(\.[0-9.]+)?$`)
