package vsz

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// A vma is one entry of /proc/PID/smaps.
type vma struct {
	start, end uint64
	perms      string // "rw-p"
	offset     uint64 // in the file
	dev        string // "fe:00"
	inode      uint64 // 0: no file
	path       string
	rssKiB     uint64
	flags      string // "rd wr mr mw me ac"; "" before Linux 3.8
}

func (v *vma) kib() uint64 { return (v.end - v.start) >> 10 }

// readable and so on are by the permissions now in force.
func (v *vma) reserved() bool  { return strings.HasPrefix(v.perms, "---") }
func (v *vma) readWrite() bool { return strings.HasPrefix(v.perms, "rw-") }
func (v *vma) private() bool   { return strings.HasSuffix(v.perms, "p") }

// anonymous: of no file, shared memory or name of the kernel's.
func (v *vma) anonymous() bool { return v.inode == 0 && v.private() && v.path == "" }

// has tells whether VmFlags has the two-letter flag.
func (v *vma) has(flag string) bool {
	for i := 0; i+2 <= len(v.flags); i += 3 {
		if v.flags[i:i+2] == flag {
			return true
		}
	}
	return false
}

// vsyscall is in every process's list, lies in the kernel's half of the addresses, and is in no process's VmSize.
const vsyscall = "[vsyscall]"

// parseSmaps reads /proc/PID/smaps, without vsyscall.
func parseSmaps(r io.Reader) ([]vma, error) {
	var all []vma
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		name, rest, _ := strings.Cut(line, " ")
		if strings.Contains(name, "-") {
			v, err := parseHeader(line)
			if err != nil {
				return nil, err
			}
			all = append(all, v)
			continue
		}
		if len(all) == 0 {
			return nil, fmt.Errorf("smaps: line %q before the first mapping", line)
		}
		if err := all[len(all)-1].setField(name, strings.TrimSpace(rest)); err != nil {
			return nil, err
		}
	}
	kept := all[:0]
	for _, v := range all {
		if v.path != vsyscall {
			kept = append(kept, v)
		}
	}
	return kept, lines.Err()
}

// setField takes a line of an entry such as "Rss: 4 kB".
func (v *vma) setField(name, value string) error {
	switch name {
	case "VmFlags:":
		v.flags = value
	case "Rss:":
		kib, err := strconv.ParseUint(strings.TrimSuffix(value, " kB"), 10, 64)
		if err != nil {
			return fmt.Errorf("smaps: Rss of %x-%x: %w", v.start, v.end, err)
		}
		v.rssKiB = kib
	}
	return nil
}

// parseHeader reads "7f2300000000-7f2300021000 rw-p 00000000 fe:00 326269   /path with blanks".
func parseHeader(line string) (vma, error) {
	var v vma
	rest := line
	field := func() (f string) {
		f, rest, _ = strings.Cut(strings.TrimLeft(rest, " "), " ")
		return f
	}
	from, to, _ := strings.Cut(field(), "-")
	v.perms = field()
	offset := field()
	v.dev = field()
	inode := field()
	v.path = strings.TrimLeft(rest, " ")
	for _, n := range []struct {
		text string
		base int
		to   *uint64
	}{{from, 16, &v.start}, {to, 16, &v.end}, {offset, 16, &v.offset}, {inode, 10, &v.inode}} {
		x, err := strconv.ParseUint(n.text, n.base, 64)
		if err != nil {
			return v, fmt.Errorf("smaps: %q is not the head of a mapping: %w", line, err)
		}
		*n.to = x
	}
	if len(v.perms) != 4 || v.end <= v.start {
		return v, fmt.Errorf("smaps: %q is not the head of a mapping", line)
	}
	return v, nil
}
