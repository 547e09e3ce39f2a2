package vsz

import (
	"context"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func TestCallText(t *testing.T) {
	const program = "/tmp/cmem-vsz-1/build/ex1"
	for _, tt := range []struct{ line, want string }{
		{`41 execve("/tmp/cmem-vsz-1/build/ex1", ["ex1"], 0x7ffd60f2e5d8 /* 35 vars */) = 0`,
			`execve("ex1", ["ex1"], … /* 35 vars */)`},
		{`41 mmap(NULL, 134217728, PROT_NONE, MAP_PRIVATE|MAP_NORESERVE, -1, 0) = 0x7f8799400000`,
			`mmap(NULL, 134217728, PROT_NONE, MAP_PRIVATE|MAP_NORESERVE, -1, 0)`},
		{`41 openat(AT_FDCWD, "/etc/ld.so.preload", O_RDONLY) = -1 ENOENT (No such file or directory)`,
			`openat(AT_FDCWD, "/etc/ld.so.preload", O_RDONLY) = -1 ENOENT`},
		{`41 read(3, "\177ELF\2\1"..., 832)    = 832`, `read(3, …, 832)`},
		{`41 read(3, "00400000-00685000 r-xp"..., 1024) = 1024`, `read(3, …, 1024)`},
		{`41 clone3({flags=CLONE_VM, stack=0x7f87000, stack_size=0x7ff} => {parent_tid=[42]}, 88) = 42`,
			`clone3({flags=CLONE_VM, stack=…, stack_size=0x7ff}, 88)`},
		{`41 clone(child_stack=0xc000012000, flags=CLONE_VM) = 43`, `clone(child_stack=…, flags=CLONE_VM)`},
		{`41 epoll_ctl(5, EPOLL_CTL_ADD, 6, {events=EPOLLIN, data={u32=10178568, u64=9}}) = 0`,
			`epoll_ctl(5, EPOLL_CTL_ADD, 6, {events=EPOLLIN, data=…})`},
		{`41 bind(3, {sin_port=htons(39425), sin6_port=htons(80)}, 16) = 0`,
			`bind(3, {sin_port=htons(…), sin6_port=htons(80)}, 16)`},
		{`41 sched_getaffinity(41, 32, [0 1]) = 8`, `sched_getaffinity(…, 32, [0 1])`},
		{`41 exit_group(0) = ?`, `exit_group(0)`},
	} {
		calls, err := readTrace(strings.NewReader(tt.line), program)
		if err != nil || len(calls) != 1 || calls[0].text(program) != tt.want {
			t.Errorf("%s\nis %+v, error %v, expected %s", tt.line, calls, err, tt.want)
			if len(calls) == 1 {
				t.Error(calls[0].text(program))
			}
		}
	}
}

// A call that is cut in two is the same as one that is not, and where it begins.
func TestReadTraceJoins(t *testing.T) {
	calls, err := readTrace(strings.NewReader(trace), "/srv/program")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range calls {
		got = append(got, c.pid+" "+c.text("/srv/program"))
	}
	want := []string{
		`… execve("program", ["program"], 0x7ffd /* 20 vars */)`, `… brk(NULL)`,
		`… mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)`,
		`… openat(AT_FDCWD, "/etc/ld.so.cache", O_RDONLY|O_CLOEXEC)`,
		`… openat(AT_FDCWD, "/opt/libc.so.6", O_RDONLY|O_CLOEXEC) = -1 ENOENT`,
		`… openat(AT_FDCWD, "/lib/x86_64-linux-gnu/libc.so.6", O_RDONLY|O_CLOEXEC)`,
		`… openat(AT_FDCWD, "/srv/some.source", O_RDONLY)`, `… clone3({flags=CLONE_VM, stack_size=…}, 88)`,
		`… mmap(NULL, 134217728, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE, -1, 0)`,
		`… openat(AT_FDCWD, "/lib/libnss_files.so.2", O_RDONLY|O_CLOEXEC)`,
	}
	for i := range got {
		got[i] = "…" + got[i][2:]
	}
	if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		t.Errorf("got\n%s\nexpected it to begin with\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Two traces of one program agree in what its main thread does.
func TestTrace(t *testing.T) {
	needStrace(t)
	w := workspace(t)
	p, cfg := shell(w, "echo ready; exec sleep 1000")
	var first []TracedThread
	for range 2 {
		threads, err := p.Trace(context.Background(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if len(threads) == 0 || len(threads[0].Calls) < 5 || !strings.HasPrefix(threads[0].Calls[0], "execve(") {
			t.Fatalf("threads %q", threads)
		}
		upToReady := slices.IndexFunc(threads[0].Calls, func(c string) bool { return strings.HasPrefix(c, "write(1, …, 6)") })
		if upToReady < 0 {
			t.Fatalf("no write of ready in %q", threads[0].Calls)
		}
		threads[0].Calls = threads[0].Calls[:upToReady]
		if first != nil && !slices.Equal(first[0].Calls, threads[0].Calls) {
			t.Errorf("first\n%s\nand then\n%s", strings.Join(first[0].Calls, "\n"), strings.Join(threads[0].Calls, "\n"))
		}
		first = threads
	}
}

func TestTraceErrors(t *testing.T) {
	w := workspace(t)
	p, cfg := shell(w, "echo no; exit 3")
	var failed *RunError
	if _, err := p.Trace(context.Background(), cfg); !errors.As(err, &failed) && !errors.Is(err, errNoStrace) {
		t.Errorf("a program that ends: %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := p.Trace(context.Background(), cfg); !errors.Is(err, errNoStrace) ||
		!strings.Contains(err.Error(), "expected it in PATH") {
		t.Errorf("without strace: %v", err)
	}
}

func needStrace(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("there is no strace")
	}
}
