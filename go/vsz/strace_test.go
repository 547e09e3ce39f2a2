package vsz

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A trace as strace -f -o has it, of a program that a shell has started: calls of one thread are
// cut in two when another thread makes one meanwhile, and the blanks around "resumed" vary.
const trace = `41 execve("/usr/bin/sh", ["sh", "-c"], 0x7ffd /* 20 vars */) = 0
41 brk(NULL)                         = 0x5555
41 mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, -1, 0) = 0x7f01
41 openat(AT_FDCWD, "/lib/x86_64-linux-gnu/libc.so.6", O_RDONLY|O_CLOEXEC) = 3
41 execve("/srv/program", ["program"], 0x7ffd /* 20 vars */) = 0
41 brk(NULL)                         = 0x6666
41 mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f11
41 openat(AT_FDCWD, "/etc/ld.so.cache", O_RDONLY|O_CLOEXEC) = 3
41 openat(AT_FDCWD, "/opt/libc.so.6", O_RDONLY|O_CLOEXEC) = -1 ENOENT (No such file or directory)
41 openat(AT_FDCWD, "/lib/x86_64-linux-gnu/libc.so.6", O_RDONLY|O_CLOEXEC) = 3
41 openat(AT_FDCWD, "/srv/some.source", O_RDONLY) = 3
41 clone3({flags=CLONE_VM, stack_size=0x7fff00} <unfinished ...>
42 mmap(NULL, 134217728, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE, -1, 0 <unfinished ...>
41 <... clone3 resumed> => {parent_tid=[42]}, 88) = 42
41 openat(AT_FDCWD, "/lib/libnss_files.so.2", O_RDONLY|O_CLOEXEC <unfinished ...>
42 <... mmap resumed>)               = 0x7f21
42 munmap(0x7f21, 100 <unfinished ...>
41 <... openat resumed>)  = 5
42 <... munmap resumed>)               = 0
41 clone(child_stack=0xc000, flags=CLONE_VM) = 43
43 mprotect(0x7f21, 135168, PROT_READ|PROT_WRITE) = 0
43 --- SIGURG {si_signo=SIGURG, si_code=SI_TKILL} ---
43 mprotect(0x7f21, 135168, PROT_READ|PROT_WRITE <unfinished ...>) = ?
43 +++ killed by SIGKILL +++
`

func TestCountTrace(t *testing.T) {
	calls, err := readTrace(strings.NewReader(trace), "/srv/program")
	got := map[string]int64{}
	for _, c := range calls {
		c.count(got)
	}
	want := map[string]int64{"brk": 1, "mmap": 2, "munmap": 1, "mprotect": 2, "clone": 2, LibrariesOpened: 2}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, error %v; expected %v", got, err, want)
	}
}

// Without strace, and where it may not trace, a row says why it has no counts.
func TestNoSyscalls(t *testing.T) {
	w := workspace(t)
	p, cfg := shell(w, "echo ready; sleep 1000")
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	counts, reason, err := p.countSyscalls(context.Background(), cfg)
	if err != nil || len(counts) != 0 || !strings.Contains(reason, "no strace") {
		t.Errorf("%v, %q, error %v; expected the reason that there is none", counts, reason, err)
	}
	const refused = "#!/bin/sh\necho 'strace: ptrace(PTRACE_TRACEME): Operation not permitted' >&2\nexit 1\n"
	if err := os.WriteFile(filepath.Join(dir, "strace"), []byte(refused), 0o755); err != nil {
		t.Fatal(err)
	}
	counts, reason, err = p.countSyscalls(context.Background(), cfg)
	if err != nil || len(counts) != 0 || !strings.Contains(reason, "Operation not permitted") {
		t.Errorf("%v, %q, error %v; expected what strace has said", counts, reason, err)
	}
}
