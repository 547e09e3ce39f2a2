package vsz

import (
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/procfs"
)

// process is what is read of a process to explain it.
type process struct {
	usage     Usage
	exe       string // path of the executable, as smaps has it
	goVersion string // "" where it is no Go program
	bits32    bool   // it is a 32-bit program
	stack     uint64 // bytes of a thread's stack by default
	vmas      []vma
	sps       []uint64        // stack pointers of those threads that are in a system call
	libs      map[string]bool // paths of shared libraries
	zeroed    []zeroed        // .bss of the executable and the libraries
	goVars    map[string]span // the Go runtime's variables; none where the executable is stripped
	data      []span          // where the executable has its variables
	cmemMap   uint64          // address of cmem's pagemap; 0 where there is none or it is stripped
	memory    memory
}

// zeroed is the .bss of the file at path.
type zeroed struct {
	path string
	span
}

// How often a process is read again that changes meanwhile, and after what time.
const (
	readTries = 20
	readPause = 10 * time.Millisecond
)

// readProcess reads process pid, its memory apart.
func readProcess(pid int) (*process, error) {
	proc, err := procfs.NewProc(pid)
	if err != nil {
		return nil, noProcess(pid, err)
	}
	p := new(process)
	for try := 1; ; try++ {
		same, err := p.readMaps(proc)
		if err != nil {
			return nil, noProcess(pid, err)
		}
		if same {
			break
		}
		if try == readTries {
			return nil, fmt.Errorf("process %d changed its mappings each of the %d times it was read", pid, readTries)
		}
		time.Sleep(readPause)
	}
	if p.exe, err = proc.Executable(); err != nil {
		return nil, noProcess(pid, err)
	}
	if p.stack, err = threadStack(proc); err != nil {
		return nil, err
	}
	p.sps = stackPointers(pid)
	p.readImages(pid)
	return p, nil
}

// noProcess makes the errors of /proc plain.
func noProcess(pid int, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), "no such process"):
		return fmt.Errorf("there is no process %d: %w", pid, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("process %d is another user's: reading its mappings takes the right to trace it (root, "+
			"CAP_SYS_PTRACE): %w", pid, err)
	}
	return fmt.Errorf("process %d: %w", pid, err)
}

// readMaps reads usage and mappings. It returns false where they are not of one moment.
func (p *process) readMaps(proc procfs.Proc) (same bool, err error) {
	before, err := proc.NewStatus()
	if err != nil {
		return false, err
	}
	f, err := os.Open(fmt.Sprintf("/proc/%d/smaps", proc.PID))
	if err != nil {
		return false, err
	}
	defer f.Close()
	if p.vmas, err = parseSmaps(f); err != nil {
		return false, err
	}
	if p.usage, err = readUsage(proc); err != nil {
		return false, err
	}
	var size uint64
	for i := range p.vmas {
		size += p.vmas[i].kib()
		p.usage.RSSKiB += p.vmas[i].rssKiB
	}
	p.usage.Mappings = len(p.vmas)
	return size == p.usage.VSZKiB && before.VmSize>>10 == size, nil
}

// threadStack is the size of stack that the C library gives a thread: RLIMIT_STACK, or of an unlimited one 2 MiB, as
// glibc has it for most machines.
func threadStack(proc procfs.Proc) (uint64, error) {
	limits, err := proc.Limits()
	if err != nil {
		return 0, err
	}
	const unlimited = ^uint64(0)
	if limits.StackSize == unlimited {
		return 2 << 20, nil
	}
	return limits.StackSize, nil
}

// stackPointers returns those of the threads that wait in a system call; none where that may not be read.
func stackPointers(pid int) []uint64 {
	var all []uint64
	names, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/syscall", pid))
	if err != nil {
		return nil
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		fields := strings.Fields(string(text)) // number, arguments, stack pointer, program counter; or "running"
		if len(fields) < 3 {
			continue
		}
		if sp, err := strconv.ParseUint(fields[len(fields)-2], 0, 64); err == nil {
			all = append(all, sp)
		}
	}
	return all
}

// readImages reads the ELF files that the process maps.
func (p *process) readImages(pid int) {
	p.libs = make(map[string]bool)
	for path, vmas := range p.files() {
		name := fmt.Sprintf("/proc/%d/root%s", pid, path)
		if path == p.exe {
			name = fmt.Sprintf("/proc/%d/exe", pid) // also of a file that was replaced
		}
		im, err := openImage(name, vmas)
		if err != nil {
			p.libs[path] = path != p.exe && executable(vmas) // deleted, or not ours to read
			continue
		}
		p.libs[path] = path != p.exe
		for _, s := range im.zeroed() {
			p.zeroed = append(p.zeroed, zeroed{path, s})
		}
		p.readVariables(name, path, im)
		im.close()
	}
}

// files returns the mapped files' mappings.
func (p *process) files() map[string][]vma {
	all := make(map[string][]vma)
	for _, v := range p.vmas {
		if v.inode != 0 && strings.HasPrefix(v.path, "/") {
			all[v.path] = append(all[v.path], v)
		}
	}
	return all
}

func executable(vmas []vma) bool {
	for _, v := range vmas {
		if strings.Contains(v.perms, "x") {
			return true
		}
	}
	return false
}

// readVariables finds the variables of the Go runtime and of cmem, which point to what is theirs.
func (p *process) readVariables(file, path string, im *image) {
	if path == p.exe {
		p.bits32 = im.file.Class == elf.ELFCLASS32
		if info, err := buildinfo.ReadFile(file); err == nil {
			p.goVersion = info.GoVersion
		}
	} else if !strings.HasPrefix(filepath.Base(path), "libcmem.so") {
		return
	}
	vars := im.variables(func(name string) bool {
		return name == cmemPagemap || p.goVersion != "" && path == p.exe && strings.HasPrefix(name, "runtime.")
	})
	if s, ok := vars[cmemPagemap]; ok {
		p.cmemMap = s.start
		delete(vars, cmemPagemap)
	}
	if path == p.exe {
		p.goVars, p.data = vars, im.writable()
	}
}
