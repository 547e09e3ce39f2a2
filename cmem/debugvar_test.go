package cmem

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func init() { children["idle"] = func() { fmt.Println(idleAtStart) } }

// TestDebugvars starts processes with CMEMDEBUG set.
func TestDebugvars(t *testing.T) {
	tests := []struct {
		env, want string
	}{
		{"", "3s\n"},
		{"idle=7m", "7m0s\n"},
		{"idle=0", "0s\n"},
		{"scavtrace=1,idle=90ms,memlimit=0,", "90ms\n"},
		{"idle=x", "cmem: CMEMDEBUG: idle=\"x\": expected a duration such as 5m or 500ms, or 0\n3s\n"},
		{"idle=-1s", "cmem: CMEMDEBUG: idle=\"-1s\": expected a duration such as 5m or 500ms, or 0\n3s\n"},
		{"idle", "cmem: CMEMDEBUG: idle=\"\": expected a duration such as 5m or 500ms, or 0\n3s\n"},
		{"scavtrace=2", "cmem: CMEMDEBUG: scavtrace=\"2\": expected 0 or 1\n3s\n"},
		{"memlimit=yes", "cmem: CMEMDEBUG: memlimit=\"yes\": expected 0 or 1\n3s\n"},
		{"idel=1s,idle=2s", "cmem: CMEMDEBUG: unknown name \"idel\": expected idle, memlimit or scavtrace\n2s\n"},
	}
	for _, tt := range tests {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"=idle", "CMEMDEBUG="+tt.env)
		out, err := cmd.CombinedOutput()
		if err != nil || string(out) != tt.want {
			t.Errorf("CMEMDEBUG=%s: %v, output %q, want %q", tt.env, err, out, tt.want)
		}
	}
}

// TestDebugvarDocs wants the table in docs/limits.md, and the list in the package documentation, to
// have the names that are accepted, in their order, and in the table what they expect.
func TestDebugvarDocs(t *testing.T) {
	var want, wantExpected []string
	for _, s := range debugSettings {
		want, wantExpected = append(want, s.name), append(wantExpected, s.expected)
	}
	for file, line := range map[string]string{
		"../docs/limits.md": "(?m)^\\| `([a-z]+)=[^`]*` \\| ([^|]*) \\|",
		"cmem.go":           `(?m)^//\t([a-z]+)=\S+ +\S`,
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var names, expected []string
		for _, m := range regexp.MustCompile(line).FindAllStringSubmatch(string(text), -1) {
			names, expected = append(names, m[1]), append(expected, m[len(m)-1])
		}
		if !slices.Equal(names, want) {
			t.Errorf("%s has the settings %q, and CMEMDEBUG %q", file, names, want)
		}
		idle := fmt.Sprintf(" | %v |\n| `memlimit", DefaultIdleLimit)
		if file != "cmem.go" && !strings.Contains(string(text), idle) {
			t.Errorf("%s does not say that the idle limit is %v without the setting", file, DefaultIdleLimit)
		}
		if file != "cmem.go" && !slices.Equal(expected, wantExpected) {
			t.Errorf("%s: values\n%s\nwant\n%s", file, strings.Join(expected, "\n"), strings.Join(wantExpected, "\n"))
		}
	}
}
