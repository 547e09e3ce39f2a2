package cmem

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// debugvars are what CMEMDEBUG sets: see the package documentation.
var debugvars struct {
	scavtrace bool
}

func init() {
	for _, item := range strings.Split(os.Getenv("CMEMDEBUG"), ",") {
		if item == "" {
			continue
		}
		if err := setDebugvar(item); err != nil {
			fmt.Fprintln(os.Stderr, "cmem: CMEMDEBUG:", err)
		}
	}
}

// debugSettings are the names that CMEMDEBUG may have; docs/limits.md has a table of them.
var debugSettings = []struct {
	name     string
	expected string
	set      func(value string) bool // false: not what is expected
}{
	{"idle", "a duration such as 5m or 500ms, or 0", func(value string) bool {
		d, err := time.ParseDuration(value)
		if err != nil || d < 0 {
			return false
		}
		SetIdleLimit(d)
		return true
	}},
	{"memlimit", "0 or 1", func(value string) bool {
		if value == "1" {
			TrackMemoryLimit()
		}
		return value == "0" || value == "1"
	}},
	{"scavtrace", "0 or 1", func(value string) bool {
		debugvars.scavtrace = value == "1"
		return value == "0" || value == "1"
	}},
}

func setDebugvar(item string) error {
	name, value, _ := strings.Cut(item, "=")
	var names []string
	for _, s := range debugSettings {
		if s.name != name {
			names = append(names, s.name)
			continue
		}
		if !s.set(value) {
			return fmt.Errorf("%s=%q: expected %s", name, value, s.expected)
		}
		return nil
	}
	last := len(names) - 1
	return fmt.Errorf("unknown name %q: expected %s or %s", name, strings.Join(names[:last], ", "), names[last])
}
