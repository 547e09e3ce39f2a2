package vsz

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A TracedThread is what a thread of a traced program has asked of the kernel.
type TracedThread struct {
	Calls []string // "mmap(NULL, 134217728, PROT_NONE, ...)", in their order
}

// Trace runs the program under strace until it is ready, and returns its threads in the order of
// their first calls, the main thread first. A call is the text that strace prints without what
// differs between two runs of one program: addresses, process numbers and data are "…", the
// program's path is its name, and of results only errors are told. Calls that wait, or ask for a
// number or the time, are left out, as those come by chance; so are those that only block signals
// meanwhile.
//
// The errors are those of Start, and one where there is no strace.
func (p *Program) Trace(ctx context.Context, run RunConfig) ([]TracedThread, error) {
	calls, err := p.strace(ctx, run)
	if errors.Is(err, errNoStrace) {
		err = fmt.Errorf("%w: expected it in PATH (in Debian: apt-get install strace)", err)
	}
	if err != nil {
		return nil, err
	}
	var threads []TracedThread
	number := make(map[string]int) // by process number
	for _, c := range calls {
		if slices.Contains(byChance, c.name) {
			continue
		}
		i, ok := number[c.pid]
		if !ok {
			i = len(threads)
			number[c.pid] = i
			threads = append(threads, TracedThread{})
		}
		threads[i].Calls = append(threads[i].Calls, c.text(p.Path))
	}
	return threads, nil
}

// byChance are calls of which two runs of one program make another number.
var byChance = []string{
	"futex", "sched_yield", "nanosleep", "clock_nanosleep", "epoll_wait", "epoll_pwait", "poll", "ppoll",
	"restart_syscall",
	"rt_sigreturn", "rt_sigprocmask", "tgkill", "getpid", "gettid", "clock_gettime", "gettimeofday",
}

// ofData are calls of which a string is data, no name.
var ofData = []string{"read", "pread64", "write", "getrandom"}

// What differs between two runs, and what it is made into.
var traceWords = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(` ` + traceUnfinished), ""}, // the program's end has cut it off
	{regexp.MustCompile(` => \{parent_tid=\[\d+\]\}|, parent_tid=\[\d+\]`), ""},
	{regexp.MustCompile(`0x[0-9a-f]{5,}`), "…"},
	{regexp.MustCompile(`data=\{[^}]*\}`), "data=…"},    // of epoll_ctl: addresses
	{regexp.MustCompile(`htons\(\d{4,}\)`), "htons(…)"}, // ports
	{regexp.MustCompile(`  +`), " "},                    // where the two parts of a call meet
	{regexp.MustCompile(`([({]) | ([,)])`), "$1$2"},
}

var (
	traceStrings = regexp.MustCompile(`"[^"]*"(\.\.\.)?`)
	traceError   = regexp.MustCompile(` = -1 (E\w+)`)
	traceEnd     = regexp.MustCompile(`\) *= [^=]*$`)
)

// text is the call as it is in any run.
func (c *call) text(program string) string {
	s := strings.ReplaceAll(c.rest, program, filepath.Base(program))
	failed := ""
	if end := traceEnd.FindStringIndex(s); end != nil {
		if m := traceError.FindStringSubmatch(s[end[0]:]); m != nil {
			failed = " = -1 " + m[1]
		}
		s = s[:end[0]+1]
	}
	if slices.Contains(ofData, c.name) {
		s = traceStrings.ReplaceAllString(s, "…")
	}
	for _, w := range traceWords {
		s = w.pattern.ReplaceAllString(s, w.instead)
	}
	s = regexp.MustCompile(`\b`+c.pid+`\b`).ReplaceAllString(s, "…")
	return c.name + "(" + s + failed
}
