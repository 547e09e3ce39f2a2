package vsz

import (
	"os"
	"strings"
)

// A Mapping is one mapping of a process, or the part of one that is of its kind: the kernel merges neighbours.
type Mapping struct {
	Start  uint64 `json:"start"` // addresses
	End    uint64 `json:"end"`
	Perms  string `json:"perms"` // as in maps: "rw-p"
	Path   string `json:"path,omitempty"`
	Flags  string `json:"flags"` // VmFlags
	RSSKiB uint64 `json:"rss_kib"`
	Kind   Kind   `json:"kind"`
	File   string `json:"file,omitempty"` // the file it belongs to: also of .bss, which has no Path
	Reason string `json:"reason"`         // how the kind was told
}

// KiB is the mapping's size.
func (m *Mapping) KiB() uint64 { return (m.End - m.Start) >> 10 }

// reserved: addresses that may not be accessed.
func (m *Mapping) reserved() bool { return strings.HasPrefix(m.Perms, "---") }

// An Explanation is a process's memory and what each part of it is.
type Explanation struct {
	Usage
	PID      int         `json:"pid"`
	Program  string      `json:"program"`      // path of the executable
	Go       string      `json:"go,omitempty"` // version of Go that built it; "" where it is no Go program
	StackKiB uint64      `json:"stack_kib"`    // stack of a C thread by default, as RLIMIT_STACK has it
	Kinds    []KindUsage `json:"kinds"`        // those that occur; their VSZKiB and RSSKiB sum to Usage's
	Map      []Mapping   `json:"map"`          // by address
}

// Explain reads the process's mappings and attributes each to one kind. What cannot be told is Other.
//
// It needs the right to trace the process: one's own processes, or root. A process that changes its mappings while it
// is read is read again; the error of one that never holds still says so.
func Explain(pid int) (*Explanation, error) {
	p, err := readProcess(pid)
	if err != nil {
		return nil, err
	}
	memory, done := openMemory(pid)
	defer done()
	p.memory = memory
	p.memory.bits32 = p.bits32
	e := explain(p)
	e.PID = pid
	return e, nil
}

// Self explains the calling process.
func Self() (*Explanation, error) { return Explain(os.Getpid()) }

// explain attributes what was read.
func explain(p *process) *Explanation {
	e := &Explanation{Usage: p.usage, Program: p.exe, Go: p.goVersion, StackKiB: p.stack >> 10}
	pieces := classify(p)
	for i := range pieces {
		v := pieces[i].vma
		e.Map = append(e.Map, Mapping{
			Start: pieces[i].start, End: pieces[i].end, Perms: v.perms, Path: v.path, Flags: v.flags,
			Kind: pieces[i].kind, File: pieces[i].file, Reason: pieces[i].reason,
		})
	}
	p.shareRSS(e.Map)
	e.Kinds = sumKinds(e.Map, p.goArenaSize())
	return e
}

// shareRSS fills in the resident sizes: smaps has them for whole mappings. Of one in several pieces each gets its
// pages in memory, and the largest the rest.
func (p *process) shareRSS(all []Mapping) {
	for v, i := 0, 0; v < len(p.vmas); v++ {
		j := i
		largest := i
		for ; j < len(all) && all[j].End <= p.vmas[v].end; j++ {
			if all[j].KiB() > all[largest].KiB() {
				largest = j
			}
		}
		left := p.vmas[v].rssKiB
		for k := i; k < j; k++ {
			if k == largest {
				continue
			}
			kib, _ := p.memory.residentKiB(all[k].Start, all[k].End)
			all[k].RSSKiB = min(kib, left)
			left -= all[k].RSSKiB
		}
		all[largest].RSSKiB = left
		i = j
	}
}
