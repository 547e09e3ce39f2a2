package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"github.com/prometheus/procfs"
)

// rssReader reads the process's resident bytes from /proc/self/statm, into a buffer of its own: procfs would make some
// kilobytes of garbage a reading, which at 50 a second shows in the Go heap that is being measured. (smaps_rollup is
// exact where statm may be off by some 100 KB, but walks all page tables under the lock that page faults want.)
type rssReader struct {
	statm *os.File
	buf   [128]byte
}

var pageSize = int64(os.Getpagesize())

func newRSSReader() (*rssReader, error) {
	f, err := os.Open("/proc/self/statm")
	if err != nil {
		return nil, fmt.Errorf("the footprint is read from Linux's /proc: %w", err)
	}
	return &rssReader{statm: f}, nil
}

// read returns the resident bytes: the second number of the line.
func (r *rssReader) read() (int64, error) {
	n, err := r.statm.ReadAt(r.buf[:], 0)
	if n == 0 {
		return 0, fmt.Errorf("read RSS: %w", err)
	}
	field, pages := 0, int64(0)
	for _, c := range r.buf[:n] {
		switch {
		case c == ' ':
			field++
		case field == 1:
			pages = pages*10 + int64(c-'0')
		}
	}
	return pages * pageSize, nil
}

// status is the process's virtual memory as the kernel counts it, now and at its highest.
func status() (procfs.ProcStatus, error) {
	self, err := procfs.Self()
	if err != nil {
		return procfs.ProcStatus{}, err
	}
	return self.NewStatus()
}

// threadCount is how many threads the process has. Go starts some beside those that a load asks for, each with a stack.
func threadCount() (int, error) {
	self, err := procfs.Self()
	if err != nil {
		return 0, err
	}
	stat, err := self.Stat()
	return stat.NumThreads, err
}

// resources are points in time, or the differences of two.
type resources struct {
	wall    time.Duration
	cpu     time.Duration // this process's, user and system
	faults  int64         // its minor page faults
	machine time.Duration // CPU time of the whole machine, stolen time included
}

var processStart = time.Now()

func readResources() resources {
	var ru syscall.Rusage
	// It fails for a bad first argument only.
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &ru)
	return resources{time.Since(processStart), time.Duration(ru.Utime.Nano() + ru.Stime.Nano()), int64(ru.Minflt),
		machineCPU()}
}

// machineCPU is the machine's CPU time so far; 0 where /proc/stat does not say.
func machineCPU() time.Duration {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return 0
	}
	stat, err := fs.Stat()
	if err != nil {
		return 0
	}
	t := stat.CPUTotal
	return time.Duration((t.User + t.Nice + t.System + t.IRQ + t.SoftIRQ + t.Steal) * float64(time.Second))
}

// A mapping is the resident bytes of all mappings of one name.
type mapping struct {
	Name string `json:"name"`
	RSS  int64  `json:"rss"`
}

// residentByName reads from /proc/self/smaps which mappings hold the resident bytes, the largest
// first. Names are the kernel's: a file, [heap], or what the owner called it, as [anon: Go: heap]
// and [anon: cmem: region]. Names of anonymous memory need a kernel with CONFIG_ANON_VMA_NAME;
// without it there is Go's heap, or what of it is in one piece, and the rest.
func residentByName() ([]mapping, error) {
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sums := make(map[string]int64)
	name := ""
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) >= 5 && strings.Contains(fields[0], "-"): // address perms offset dev inode name
			name = mappingName(fields)
		case len(fields) >= 2 && fields[0] == "Rss:":
			var kb int64
			if _, err := fmt.Sscan(fields[1], &kb); err != nil {
				return nil, fmt.Errorf("smaps: %q: %w", lines.Text(), err)
			}
			sums[name] += kb << 10
		}
	}
	var all []mapping
	for name, rss := range sums {
		if rss > 0 {
			all = append(all, mapping{name, rss})
		}
	}
	slices.SortFunc(all, func(a, b mapping) int { return int(b.RSS - a.RSS) })
	return all, lines.Err()
}

// mappingName is the name of a mapping with these fields in smaps.
func mappingName(fields []string) string {
	switch {
	case len(fields) > 5:
		return filepath.Base(strings.Join(fields[5:], " "))
	case contains(fields[0], uintptr(unsafe.Pointer(unsafe.SliceData(onGoHeap)))):
		return "(anonymous, Go heap)"
	}
	return "(anonymous)"
}

// onGoHeap tells which mapping is Go's heap.
var onGoHeap = make([]byte, 64<<10)

// contains tells whether a is in the range of addresses "from-to", in hexadecimal.
func contains(addresses string, a uintptr) bool {
	var from, to uintptr
	n, _ := fmt.Sscanf(addresses, "%x-%x", &from, &to)
	return n == 2 && from <= a && a < to
}

// mallocArenas counts the arenas that glibc has made for threads: 64 MiB of addresses each, aligned
// to as much, whatever is in use of them, as a mapping that may be written and one that may not
// yet.
func mallocArenas() (int, error) {
	self, err := procfs.Self()
	if err != nil {
		return 0, err
	}
	maps, err := self.ProcMaps()
	if err != nil {
		return 0, err
	}
	const arena = 64 << 20
	n := 0
	for i := range len(maps) - 1 {
		used, unused := maps[i], maps[i+1]
		if used.StartAddr%arena == 0 && used.Pathname == "" && used.Perms.Write &&
			unused.StartAddr == used.EndAddr && unused.EndAddr%arena == 0 && !unused.Perms.Read &&
			unused.EndAddr-used.StartAddr == arena {
			n++
		}
	}
	return n, nil
}
