// Package bench is what the benchmark programs share: the machine they ran on, medians, names of sizes, charts.
package bench

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

// A Host is what the figures were taken on.
type Host struct {
	CPU        string `json:"cpu"`
	Cores      int    `json:"cores"`
	GOMAXPROCS int    `json:"gomaxprocs"`
	Go         string `json:"go"`
	OS         string `json:"os"`
	Arch       string `json:"arch"`
	Kernel     string `json:"kernel"`
	Cgo        bool   `json:"cgo"`
	Race       bool   `json:"race"`
}

// ThisHost describes the machine and the running program's build.
func ThisHost() Host {
	h := Host{
		CPU:        cpuModel(),
		Cores:      runtime.NumCPU(),
		GOMAXPROCS: runtime.GOMAXPROCS(0),
		Go:         runtime.Version(),
		OS:         runtime.GOOS,
		Arch:       runtime.GOARCH,
		Kernel:     kernel(),
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "CGO_ENABLED":
				h.Cgo = s.Value == "1"
			case "-race":
				h.Race = s.Value == "true"
			}
		}
	}
	return h
}

func (h Host) String() string {
	s := fmt.Sprintf("%s, %d cores (GOMAXPROCS=%d), %s %s/%s", h.CPU, h.Cores, h.GOMAXPROCS, h.Go, h.OS, h.Arch)
	if h.Kernel != "" {
		s += ", kernel " + h.Kernel
	}
	if !h.Cgo || h.Race {
		s += ", cmem over Go memory: this build has no cgo, or the race detector"
	}
	return s
}

// cpuModel is the processor's name where Linux tells it.
func cpuModel() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown CPU"
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown CPU"
}

// kernel is its version, without what a distribution adds, where Linux tells it.
func kernel() string {
	text, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	version, _, _ := strings.Cut(strings.TrimSpace(string(text)), "-")
	return version
}
