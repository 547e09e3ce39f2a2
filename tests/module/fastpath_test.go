//go:build !race && !asan && !goexperiment.cgocheck2

package module

import (
	"os/exec"
	"runtime"
	"testing"
)

// TestFastPath builds a program in each way that decides about the fast path. (That each known Go
// release has the assembly is for package cmem's own test, which is run under all of them.)
func TestFastPath(t *testing.T) {
	needCgo(t)
	if runtime.GOARCH != "amd64" {
		t.Skip("only amd64 has more than one")
	}
	for _, build := range []struct {
		want string
		args []string
		env  []string
	}{
		{want: "asm"},
		{want: "pinned", args: []string{"-tags=go1.28"}}, // as a release that the assembly is not written for has it
		{want: "pinned", args: []string{"-tags=cmem_pinned"}},
		{want: "pinned", args: []string{"-asan"}},
		{want: "go", args: []string{"-race"}},
		{want: "go", env: []string{"CGO_ENABLED=0"}},
	} {
		m := newModule(t, "fastpath.go")
		m.set(build.env...)
		m.run("go", "get", "github.com/gocmem/cmem")
		m.run("go", append([]string{"build", "-o", "fastpath"}, build.args...)...)
		name, args := "./fastpath", []string(nil)
		if exec.Command("setarch", "-R", "true").Run() == nil { // see run
			name, args = "setarch", []string{"-R", name}
		}
		if got := m.run(name, args...); got != build.want {
			t.Errorf("go build %v, %v: the fast path is %q, want %q", build.args, build.env, got, build.want)
		}
	}
}
