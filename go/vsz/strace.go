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
	"strconv"
	"strings"
	"syscall"
)

// LibrariesOpened is the entry of a row's Syscalls that counts the shared libraries that were opened; the others are
// calls by name: mmap, munmap, mprotect, brk, clone (clone3 too).
const LibrariesOpened = "openat(libraries)"

// traced are the calls that strace shows. Not every machine has those with a question mark.
const traced = "trace=execve,openat,mmap,munmap,mprotect,brk,clone,?clone3"

// countSyscalls runs the program under strace until it is ready and counts the calls since its execve. Where that does
// not work, noSyscalls says why.
func (p *Program) countSyscalls(ctx context.Context, run RunConfig) (counts map[string]int64, noSyscalls string, err error) {
	none := map[string]int64{}
	strace, err := exec.LookPath("strace")
	if err != nil {
		return none, "there is no strace", nil
	}
	name, args, err := run.command(p.Path)
	if err != nil {
		return nil, "", err
	}
	dir, err := p.ws.newDir()
	if err != nil {
		return nil, "", err
	}
	trace := filepath.Join(dir, "trace")
	proc, err := p.start(ctx, run, strace, append([]string{"-f", "-o", trace, "-e", traced, name}, args...))
	var failed *RunError
	switch {
	case errors.As(err, &failed):
		return none, fmt.Sprintf("under strace it %s: %s", failed.Reason, strings.TrimSpace(failed.Output)), nil
	case err != nil:
		return nil, "", err
	}
	defer proc.Stop()
	f, err := os.Open(trace)
	if err != nil {
		return nil, "", err
	}
	defer f.Close()
	if err := proc.endTraced(ctx, f); err != nil {
		return nil, "", cancelled(ctx, err)
	}
	counts, err = countTrace(f, p.Path)
	return counts, "", err
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

// countTrace counts calls from the program's execve on.
func countTrace(trace io.Reader, program string) (map[string]int64, error) {
	counts := make(map[string]int64)
	open := make(map[string]string) // by process and call: what its first part says
	lines := bufio.NewScanner(trace)
	for lines.Scan() {
		line := lines.Text()
		if m := traceResumed.FindStringSubmatch(line); m != nil {
			key := m[1] + " " + m[2]
			finishCall(counts, m[2], open[key]+m[3], program)
			delete(open, key)
			continue
		}
		m := traceCall.FindStringSubmatch(line)
		if m == nil {
			continue // a signal, an exit
		}
		if part, unfinished := strings.CutSuffix(m[3], traceUnfinished); unfinished {
			open[m[1]+" "+m[2]] = part
			beginCall(counts, m[2])
			continue
		}
		beginCall(counts, m[2])
		finishCall(counts, m[2], m[3], program)
	}
	return counts, lines.Err()
}

// beginCall counts a call, whether it returns or not.
func beginCall(counts map[string]int64, name string) {
	switch name {
	case "clone", "clone3":
		counts["clone"]++
	case "mmap", "munmap", "mprotect", "brk":
		counts[name]++
	}
}

// finishCall looks at the arguments and result of those calls of which these matter.
func finishCall(counts map[string]int64, name, rest, program string) {
	result := traceResult.FindStringSubmatch(rest)
	if result == nil || strings.HasPrefix(result[1], "-") {
		return
	}
	path := traceString(rest)
	switch {
	case name == "execve" && path == program:
		clear(counts) // so far it was a shell that set a limit
	case name == "openat" && libraryName.MatchString(path):
		counts[LibrariesOpened]++
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
