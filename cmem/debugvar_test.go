package cmem

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

func init() { children["idle"] = func() { fmt.Println(idleAtStart) } }

// TestDebugvars starts processes with CMEMDEBUG set.
func TestDebugvars(t *testing.T) {
	tests := []struct {
		env, want string
	}{
		{"", "5s\n"},
		{"idle=7m", "7m0s\n"},
		{"idle=0", "0s\n"},
		{"scavtrace=1,idle=90ms,memlimit=0,", "90ms\n"},
		{"idle=x", "cmem: CMEMDEBUG: idle=\"x\": expected a duration such as 5m or 500ms, or 0\n5s\n"},
		{"idle=-1s", "cmem: CMEMDEBUG: idle=\"-1s\": expected a duration such as 5m or 500ms, or 0\n5s\n"},
		{"idle", "cmem: CMEMDEBUG: idle=\"\": expected a duration such as 5m or 500ms, or 0\n5s\n"},
		{"scavtrace=2", "cmem: CMEMDEBUG: scavtrace=\"2\": expected 0 or 1\n5s\n"},
		{"memlimit=yes", "cmem: CMEMDEBUG: memlimit=\"yes\": expected 0 or 1\n5s\n"},
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
