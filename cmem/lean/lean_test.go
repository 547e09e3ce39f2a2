//go:build cgo && linux && !race && !asan && !goexperiment.cgocheck2

// The tests run programs of testdata, which are built the same whatever the tests are built with,
// so once is enough.

package lean

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

const (
	kib = 1 << 10
	mib = 1 << 20
)

// arenaSize is what glibc reserves for an arena, or for a part of one that has outgrown its first.
const arenaSize = 64 * mib

// otherThanGo leaves a test out under -short: it is about C libraries, linkers and sanitizers,
// which are the same in each Go release.
func otherThanGo(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: says nothing about the Go release")
	}
}

// build builds a program of testdata and returns its path.
func build(t testing.TB, name string, args ...string) string {
	t.Helper()
	return buildIn(t, nil, append(args, "./testdata/"+name)...)
}

func buildIn(t testing.TB, env []string, args ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "program")
	cmd := exec.Command("go", append([]string{"build", "-o", program}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return program
}

// cleanEnv is the environment without what has a say in arenas and stacks, and with more.
func cleanEnv(more ...string) []string {
	var env []string
	for _, e := range os.Environ() {
		switch name, _, _ := strings.Cut(e, "="); name {
		case "CMEMLEAN", "MALLOC_ARENA_MAX", "GLIBC_TUNABLES", "LD_PRELOAD":
		default:
			env = append(env, e)
		}
	}
	return append(env, more...)
}

// A process is a running program that waits for the end of its standard input.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	stdin  io.Closer
	ready  string // its first line
	stderr strings.Builder
}

// start starts a program and waits for its first line.
func start(t testing.TB, env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(args[0], args[1:]...)}
	p.cmd.Env, p.cmd.Stderr = cleanEnv(env...), &p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.ready, err = bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		p.cmd.Process.Kill()
		t.Fatalf("%s: no line on standard output: %v, %v\n%s", strings.Join(args, " "), err, p.cmd.Wait(), p.stderr.String())
	}
	return p
}

// stop ends the program and returns its standard error.
func (p *process) stop() string {
	p.t.Helper()
	p.stdin.Close()
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("%s: %v", p.cmd, err)
	}
	return p.stderr.String()
}

// proc reads a file of /proc/PID.
func (p *process) proc(name string) string {
	p.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, name))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

// status is a line of /proc/PID/status: kB, or a number.
func (p *process) status(name string) int {
	p.t.Helper()
	found := regexp.MustCompile(`(?m)^` + name + `:\s+(\d+)`).FindStringSubmatch(p.proc("status"))
	if found == nil {
		p.t.Fatalf("no %s in /proc/%d/status", name, p.cmd.Process.Pid)
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		p.t.Fatal(err)
	}
	return n
}

var (
	sizeLine  = regexp.MustCompile(`^Size:\s+(\d+) kB`)
	flagsLine = regexp.MustCompile(`^VmFlags:(.*)`)
)

// mapped is how many bytes of the mappings have a flag of smaps' VmFlags.
func (p *process) mapped(flag string) int {
	p.t.Helper()
	smaps := p.proc("smaps")
	if !strings.Contains(smaps, "VmFlags:") {
		p.t.Skip("this kernel's smaps have no VmFlags")
	}
	size, sum := 0, 0
	for _, line := range strings.Split(smaps, "\n") {
		if found := sizeLine.FindStringSubmatch(line); found != nil {
			size, _ = strconv.Atoi(found[1])
		} else if found := flagsLine.FindStringSubmatch(line); found != nil &&
			slices.Contains(strings.Fields(found[1]), flag) {
			sum += size * kib
		}
	}
	return sum
}

// arenas is how many arenas of glibc's are mapped: their sign is MAP_NORESERVE, which Go does not
// use, but other mallocs do.
func (p *process) arenas() int { return (p.mapped("nr") + arenaSize - 1) / arenaSize }

// caps are what is in force in a program.
type caps struct {
	arenas         int // mapped; the process's main heap, which is not, counts for malloc as one more
	stack          int // of a thread that Go makes, bytes
	stackOfCThread int
}

// leastStack is what lean accepts: PTHREAD_STACK_MIN is larger on arm64.
func leastStack() int {
	if runtime.GOARCH == "arm64" {
		return 128 * kib
	}
	return 64 * kib
}

func wholePages(n int) int {
	page := os.Getpagesize()
	return (n + page - 1) / page * page
}

const blocked = 40

// probe runs the program probe with many blocked threads and returns its caps and its standard
// error.
func probe(t *testing.T, env []string, command ...string) (caps, string) {
	t.Helper()
	p := start(t, env, append(command, strconv.Itoa(blocked))...)
	var c caps
	if _, err := fmt.Sscan(p.ready, &c.stack, &c.stackOfCThread); err != nil {
		t.Fatalf("%q: %v", p.ready, err)
	}
	c.arenas = p.arenas()
	return c, p.stop()
}

func check(t *testing.T, got, want caps) {
	t.Helper()
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// uncapped is what programs have with neither lean nor ulimit: at least two arenas, or lean would
// have nothing to do.
func uncapped(t *testing.T, program string) caps {
	t.Helper()
	c, _ := probe(t, []string{"CMEMLEAN=arenas=0,stack=0"}, program)
	if c.arenas < 2 || c.stack <= 256*kib || c.stackOfCThread != c.stack {
		t.Fatalf("with arenas=0,stack=0 a program has %+v", c)
	}
	return c
}

var lean = caps{arenas: 0, stack: 256 * kib, stackOfCThread: 256 * kib}

func TestOptions(t *testing.T) {
	program := build(t, "probe")
	without := uncapped(t, program)
	both := func(stack int) caps { return caps{0, stack, stack} }
	arenas := func(n int) caps { return caps{n, lean.stack, lean.stack} }
	const setElsewhere = "arenas: left alone, for MALLOC_ARENA_MAX or GLIBC_TUNABLES sets them"
	for _, test := range []struct {
		env  string
		want caps
		says []string
	}{
		{"CMEMLEAN=", lean, nil},
		{"CMEMLEAN=,,", lean, nil},
		{"CMEMLEAN=trace=1", lean, []string{"arenas: at most 1", fmt.Sprintf("stacks: 256 KiB, not %d", without.stack/kib)}},
		{"CMEMLEAN=trace=0", lean, nil},
		{"CMEMLEAN=arenas=3", arenas(2), nil},
		{"CMEMLEAN=arenas=3,stack=512k", caps{2, 512 * kib, 512 * kib}, nil},
		{"CMEMLEAN=stack=1M", both(mib), nil},
		{"CMEMLEAN=stack=300000", both(wholePages(300000)), nil},
		{"CMEMLEAN=stack=1024m,trace=1", both(without.stack),
			[]string{"arenas: at most 1", fmt.Sprintf("stacks: left at %d KiB", without.stack/kib)}},
		{"CMEMLEAN=arenas=0,trace=1", arenas(without.arenas),
			[]string{"arenas: left alone, as CMEMLEAN asks", "stacks: 256 KiB"}},
		{"CMEMLEAN=trace=1,stack=0", both(without.stack),
			[]string{"arenas: at most 1", "stacks: left alone, as CMEMLEAN asks"}},

		{"MALLOC_ARENA_MAX=3", arenas(2), nil},
		{"MALLOC_ARENA_MAX=", lean, nil},
		{"GLIBC_TUNABLES=glibc.malloc.arena_max=3", arenas(2), nil},
		{"GLIBC_TUNABLES=glibc.malloc.tcache_count=3:glibc.malloc.arena_max=3 CMEMLEAN=trace=1", arenas(2),
			[]string{setElsewhere, "stacks: 256 KiB"}},
		{"GLIBC_TUNABLES=glibc.malloc.tcache_count=3", lean, nil},

		{"CMEMLEAN=arenas=many", lean,
			[]string{`arenas="many": expected a number such as 1 or 4, or 0 to leave the arenas alone; it stays 1`}},
		{"CMEMLEAN=arenas=4294967296", lean, []string{`arenas="4294967296": expected a number`}},
		{"CMEMLEAN=arenas=1k", lean, []string{`arenas="1k": expected a number`}},
		{"CMEMLEAN=arenas", lean, []string{`arenas="": expected a number`}},
		{"CMEMLEAN=stack=12k", lean, []string{fmt.Sprintf(`stack="12k": expected a size of at least %dk, `+
			"such as 512k or 1m, or 0 to leave stacks alone; it stays 256k", leastStack()/kib)}},
		{"CMEMLEAN=stack=-1", lean, []string{`stack="-1": expected a size`}},
		{"CMEMLEAN=stack=1g,arenas=3", arenas(2), []string{`stack="1g": expected a size`}},
		{"CMEMLEAN=stack=18446744073709551617", lean, []string{`stack="18446744073709551617": expected a size`}},
		{"CMEMLEAN=stack=9223372036854775807k", lean, []string{`stack="9223372036854775807k": expected a size`}},
		{"CMEMLEAN=trace=2", lean, []string{`trace="2": expected 0 or 1; it stays 0`}},
		{"CMEMLEAN=stacks=1m", lean, []string{`unknown name "stacks": expected arenas, stack or trace`}},
	} {
		t.Run(test.env, func(t *testing.T) {
			got, said := probe(t, strings.Fields(test.env), program)
			check(t, got, test.want)
			lines := strings.Split(strings.TrimSuffix(said, "\n"), "\n")
			if said == "" {
				lines = nil
			}
			if len(lines) != len(test.says) {
				t.Fatalf("it says %q, want %d lines", lines, len(test.says))
			}
			for i, want := range test.says {
				if !strings.HasPrefix(lines[i], "cmem/lean: ") || !strings.Contains(lines[i], want) {
					t.Errorf("it says %q, want %q", lines[i], want)
				}
			}
		})
	}
}

// TestUlimit wants a cap: a default stack that is smaller stays.
func TestUlimit(t *testing.T) {
	program := build(t, "probe")
	for limit, want := range map[string]int{"192": 192 * kib, "1024": 256 * kib, "unlimited": 256 * kib} {
		got, _ := probe(t, nil, "sh", "-c", "ulimit -s "+limit+` && exec "$@"`, "sh", program)
		check(t, got, caps{0, want, want})
	}
}

func TestBuilds(t *testing.T) {
	otherThanGo(t)
	for name, args := range map[string][]string{
		"static":     {"-ldflags=-linkmode=external -extldflags=-static"},
		"static-pie": {"-buildmode=pie", "-ldflags=-linkmode=external -extldflags=-static-pie"},
		"pie":        {"-buildmode=pie"},
		"stripped":   {"-ldflags=-s -w"},
	} {
		t.Run(name, func(t *testing.T) {
			program := build(t, "probe", args...)
			without := uncapped(t, program)
			got, _ := probe(t, nil, program)
			check(t, got, lean)
			if got == without {
				t.Errorf("without lean it has the same: %+v", got)
			}
		})
	}
}

// TestTLS wants the stack to be larger by what a program's static TLS takes away from it: with
// 300 KiB of it no thread could start on a stack of 256 KiB.
func TestTLS(t *testing.T) {
	otherThanGo(t)
	for name, args := range map[string][]string{"dynamic": nil,
		"static": {"-ldflags=-linkmode=external -extldflags=-static"}} {
		t.Run(name, func(t *testing.T) {
			program := buildIn(t, []string{"CGO_CFLAGS=-O2 -DTLS_BYTES=307200"}, append(args, "./testdata/probe")...)
			got, _ := probe(t, nil, program)
			want := wholePages(256*kib) + 300*kib/os.Getpagesize()*os.Getpagesize()
			if got.stack < want || got.stack > want+os.Getpagesize() || got.stackOfCThread != got.stack {
				t.Errorf("got %+v, want stacks of %d bytes or a page more", got, want)
			}
		})
	}
}

// nothingDone is what lean says where malloc is not glibc's.
const nothingDone = "cmem/lean: nothing done: malloc is not glibc's\n"

// TestOtherMalloc preloads mallocs. That of testdata is always there.
func TestOtherMalloc(t *testing.T) {
	otherThanGo(t)
	program := build(t, "probe")
	without := uncapped(t, program)
	own := filepath.Join(t.TempDir(), "libbump.so")
	cc := strings.Fields(goEnv(t, "CC"))
	if out, err := exec.Command(cc[0], append(cc[1:], "-shared", "-fPIC", "-O2", "-o", own,
		"testdata/bump.c")...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, library := range []string{own, "libjemalloc.so.2", "libmimalloc.so.2", "libtcmalloc_minimal.so.4"} {
		t.Run(filepath.Base(library), func(t *testing.T) {
			if _, err := os.Stat(library); err != nil && !hasLibrary(library) {
				t.Skip(library + " is not installed")
			}
			got, said := probe(t, []string{"CMEMLEAN=trace=1", "LD_PRELOAD=" + library}, program)
			if got.stack != without.stack || got.stackOfCThread != without.stack || said != nothingDone {
				t.Errorf("it has %+v and says %q, want stacks of %d bytes and %q", got, said, without.stack, nothingDone)
			}
		})
	}
}

// hasLibrary tells whether the dynamic linker finds a library.
func hasLibrary(name string) bool {
	cmd := exec.Command("true")
	cmd.Env = cleanEnv("LD_PRELOAD=" + name)
	out, err := cmd.CombinedOutput()
	return err == nil && len(out) == 0
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// TestAsan builds with a malloc of AddressSanitizer's, and C code that needs more stack.
func TestAsan(t *testing.T) {
	otherThanGo(t)
	switch goEnv(t, "GOARCH") {
	case "amd64", "arm64":
	default:
		t.Skip("go build has no -asan here")
	}
	program := build(t, "probe", "-asan")
	command := []string{program}
	if exec.Command("setarch", "-R", "true").Run() == nil {
		command = []string{"setarch", "-R", program} // its shadow memory has a fixed place
	}
	p := start(t, []string{"CMEMLEAN=trace=1"}, append(command, "1")...)
	if said := p.stop(); said != nothingDone {
		t.Errorf("it says %q, want %q", said, nothingDone)
	}
}

// TestMusl wants nothing done, and nothing said, with another C library.
func TestMusl(t *testing.T) {
	otherThanGo(t)
	cc := os.Getenv("MUSL_CC")
	if cc == "" {
		cc = "musl-gcc"
	}
	if _, err := exec.LookPath(cc); err != nil {
		t.Skip(cc + " is not installed")
	}
	program := buildIn(t, []string{"CC=" + cc}, "-ldflags=-linkmode=external -extldflags=-static", "./testdata/probe")
	got, said := probe(t, []string{"CMEMLEAN=trace=1,stack=64k,arenas=x"}, program)
	if said != "" || got.arenas != 0 || got.stack == 64*kib {
		t.Errorf("got %+v, and it says %q", got, said)
	}
}

// TestLeastStack does on the least stack that is accepted what takes much of it.
func TestLeastStack(t *testing.T) {
	otherThanGo(t)
	program := build(t, "work")
	for how, want := range map[string]string{"": "done", "panic": "panic: as asked",
		"fault": "SIGSEGV: segmentation violation"} {
		cmd := exec.Command(program, strings.Fields(how)...)
		cmd.Env = cleanEnv(fmt.Sprintf("CMEMLEAN=stack=%d,trace=1", leastStack()), "GODEBUG=netdns=cgo", "GOTRACEBACK=all")
		out, err := cmd.CombinedOutput()
		if (err == nil) != (how == "") || !strings.Contains(string(out), want) {
			t.Errorf("work %s: %v, and no %q in\n%s", how, err, want, out)
		}
		if said := fmt.Sprintf("stacks: %d KiB, not", leastStack()/kib); !strings.Contains(string(out), said) {
			t.Errorf("work %s does not say %q:\n%s", how, said, out)
		}
		if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() {
			t.Errorf("work %s was killed by a signal: %v", how, status.Signal())
		}
	}
}
