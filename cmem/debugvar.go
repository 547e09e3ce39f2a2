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

func setDebugvar(item string) error {
	name, value, _ := strings.Cut(item, "=")
	switch name {
	case "idle":
		d, err := time.ParseDuration(value)
		if err != nil || d < 0 {
			return fmt.Errorf("idle=%q: expected a duration such as 5m or 500ms, or 0", value)
		}
		SetIdleLimit(d)
	case "memlimit", "scavtrace":
		if value != "0" && value != "1" {
			return fmt.Errorf("%s=%q: expected 0 or 1", name, value)
		}
		if name == "scavtrace" {
			debugvars.scavtrace = value == "1"
		} else if value == "1" {
			TrackMemoryLimit()
		}
	default:
		return fmt.Errorf("unknown name %q: expected idle, memlimit or scavtrace", name)
	}
	return nil
}
