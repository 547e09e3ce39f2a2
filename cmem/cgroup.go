package cmem

import (
	"fmt"
	"math"
	"os"
	"path"
	"strconv"
	"strings"
)

// cgroupLimit is the memory limit in bytes of the process's cgroup or, where that is lower, of one
// above it, and that cgroup's memory.stat; 0 where there is none. root is "/" but in tests. It
// reads cgroup v2 (memory.max) and v1 (memory.limit_in_bytes), see cgroups(7).
func cgroupLimit(root string) (limit int64, stat string) {
	limit = math.MaxInt64
	file := func(name ...string) string { return readFile(path.Join(append([]string{root}, name...)...)) }
	for _, line := range strings.Split(file("proc/self/cgroup"), "\n") {
		part := strings.SplitN(line, ":", 3) // number, controllers, path
		if len(part) != 3 {
			continue
		}
		dir, name := "sys/fs/cgroup", "memory.max"
		switch {
		case part[0] == "0" && part[1] == "":
		case hasController(part[1], "memory"):
			dir, name = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		// In a container the path may be one of the host's, of which only the root is mounted.
		for p := path.Clean("/" + part[2]); ; p = path.Dir(p) {
			if n, err := strconv.ParseInt(file(dir, p, name), 10, 64); err == nil && n < limit {
				limit, stat = n, path.Join(root, dir, p, "memory.stat")
			}
			if p == "/" {
				break
			}
		}
	}
	if limit > math.MaxInt64/2 { // v1 says "none" by a very large number
		return 0, ""
	}
	return limit, stat
}

func readFile(name string) string {
	b, _ := os.ReadFile(name)
	return strings.TrimSpace(string(b))
}

// cgroupUse is what memory.stat says of memory that is no cache of files: anon (v2), or total_rss
// (v1); 0 where it says nothing.
func cgroupUse(stat string) int64 {
	for _, line := range strings.Split(readFile(stat), "\n") {
		name, value, _ := strings.Cut(line, " ")
		if name == "anon" || name == "total_rss" {
			n, _ := strconv.ParseInt(value, 10, 64)
			return n
		}
	}
	return 0
}

// residentSize is the process's resident memory that is no file's, in bytes: of the fields of
// proc/self/statm, which count pages, the second less the third.
func residentSize(statm string) int64 {
	var size, resident, shared int64
	if n, _ := fmt.Sscan(readFile(statm), &size, &resident, &shared); n < 3 {
		return 0
	}
	return (resident - shared) * int64(os.Getpagesize())
}

func hasController(list, name string) bool {
	for _, c := range strings.Split(list, ",") {
		if c == name {
			return true
		}
	}
	return false
}
