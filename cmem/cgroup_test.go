package cmem

import (
	"os"
	"path/filepath"
	"testing"
)

// TestCgroupLimit reads the files of made-up machines.
func TestCgroupLimit(t *testing.T) {
	const v2, v1 = "0::/a/b\n", "5:cpu,cpuacct:/x\n4:memory:/a/b\n0::/elsewhere\n"
	tests := []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"no cgroup", map[string]string{}, 0},
		{"v2, none", map[string]string{"proc/self/cgroup": v2, "sys/fs/cgroup/a/b/memory.max": "max\n"}, 0},
		{"v2, its own", map[string]string{"proc/self/cgroup": v2, "sys/fs/cgroup/a/b/memory.max": "1048576\n"}, 1 << 20},
		{"v2, a parent's", map[string]string{"proc/self/cgroup": v2,
			"sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/memory.max": "2097152\n"}, 2 << 20},
		{"v2, the lowest", map[string]string{"proc/self/cgroup": v2,
			"sys/fs/cgroup/a/b/memory.max": "4194304\n", "sys/fs/cgroup/a/memory.max": "2097152\n"}, 2 << 20},
		{"v2, in a container", map[string]string{"proc/self/cgroup": "0::/host/path\n",
			"sys/fs/cgroup/memory.max": "3145728\n"}, 3 << 20},
		{"v1", map[string]string{"proc/self/cgroup": v1, "sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": "1048576\n"},
			1 << 20},
		{"v1, none", map[string]string{"proc/self/cgroup": v1,
			"sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": "9223372036854771712\n"}, 0},
		{"broken", map[string]string{"proc/self/cgroup": "nonsense\n1:2\n" + v2, "sys/fs/cgroup/a/b/memory.max": "much\n"},
			0},
	}
	for _, tt := range tests {
		root := t.TempDir()
		for name, text := range tt.files {
			path := filepath.Join(root, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		got, stat := cgroupLimit(root)
		if got != tt.want || (stat != "") != (got > 0) {
			t.Errorf("%s: %d, %s; want %d", tt.name, got, stat, tt.want)
		}
		if got > 0 {
			if limits, _ := filepath.Glob(filepath.Join(filepath.Dir(stat), "memory.*")); filepath.Base(stat) != "memory.stat" ||
				len(limits) != 1 {
				t.Errorf("%s: %s is not beside the limit", tt.name, stat)
			}
		}
	}
}

// TestCgroupUse: what the files say that tell how much is used.
func TestCgroupUse(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	for text, want := range map[string]int64{
		"":                                  0,
		"anon 4096\nfile 8192\n":            4096,
		"cache 1\nrss 2\ntotal_rss 12288\n": 12288,
		"anon\n":                            0,
		"anonymous 1\nfile 2\nanon_thp 3\n": 0,
	} {
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if got := cgroupUse(file); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
	page := int64(os.Getpagesize())
	for text, want := range map[string]int64{"": 0, "10 8": 0, "100 30 10 1 0 5 0\n": 20 * page} {
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if got := residentSize(file); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}
