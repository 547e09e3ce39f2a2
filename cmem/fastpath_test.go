package cmem

import (
	"go/version"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

// TestFastPath: the fast path is the one that this build is to have, by the settings in the
// executable and not by build tags.
func TestFastPath(t *testing.T) {
	var s Stats
	ReadStats(&s)
	if want := wantFastPath(t); s.FastPath != want {
		t.Errorf("%s %s: Stats.FastPath is %q, want %q", runtime.Version(), runtime.GOARCH, s.FastPath, want)
	}
}

func wantFastPath(t *testing.T) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		t.Skip("the test has no build settings")
	}
	set := make(map[string]string)
	for _, s := range info.Settings {
		set[s.Key] = s.Value
	}
	tags := strings.Split(set["-tags"], ",")
	switch {
	case runtime.GOOS != "linux" || set["CGO_ENABLED"] != "1" || set["-race"] == "true":
		return "go"
	case runtime.GOARCH == "arm64" || runtime.GOARCH == "riscv64":
		return "pinned"
	case runtime.GOARCH != "amd64":
		return "go"
	case set["-asan"] == "true" || slices.Contains(tags, "cmem_pinned") || slices.Contains(tags, "go1.28"):
		return "pinned"
	case slices.Contains([]string{"go1.24", "go1.25", "go1.26", "go1.27"},
		version.Lang(strings.Fields(runtime.Version())[0])):
		return "asm"
	}
	return "pinned"
}
