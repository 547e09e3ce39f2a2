package cmem

import (
	"math"
	"os"
	"path"
	"strconv"
	"strings"
)

// cgroupLimit is the memory limit in bytes of the process's cgroup or, where that is lower, of one above it; 0 where there is
// none. root is "/" but in tests. It reads cgroup v2 (memory.max) and v1 (memory.limit_in_bytes), see cgroups(7).
func cgroupLimit(root string) int64 {
	limit := int64(math.MaxInt64)
	file := func(name ...string) string {
		b, _ := os.ReadFile(path.Join(append([]string{root}, name...)...))
		return strings.TrimSpace(string(b))
	}
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
			if n, err := strconv.ParseInt(file(dir, p, name), 10, 64); err == nil {
				limit = min(limit, n)
			}
			if p == "/" {
				break
			}
		}
	}
	if limit > math.MaxInt64/2 { // v1 says "none" by a very large number
		return 0
	}
	return limit
}

func hasController(list, name string) bool {
	for _, c := range strings.Split(list, ",") {
		if c == name {
			return true
		}
	}
	return false
}
