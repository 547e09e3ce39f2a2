//go:build !race && !asan && !goexperiment.cgocheck2

package module

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestCmemvet runs the commands of docs/cmemvet.md in a user's module, in the order that they stand
// there.
func TestCmemvet(t *testing.T) {
	needCgo(t)
	text, err := os.ReadFile(filepath.Join(root, "docs/cmemvet.md"))
	if err != nil {
		t.Fatal(err)
	}
	commands := regexp.MustCompile(`(?m)^\$ (.*)$`).FindAllStringSubmatch(string(text), -1)
	if len(commands) < 5 {
		t.Fatalf("docs/cmemvet.md has %d commands", len(commands))
	}
	m := newModule(t)
	m.write("main.go", `package main

import "github.com/gocmem/cmem/cmem"

func main() {
	b := cmem.Alloc(10)
	defer cmem.Free(b)
}
`)
	m.run("go", "get", "github.com/gocmem/cmem")
	// With -trimpath vet looks for sources where they were when another test had them compiled.
	m.set("GOPROXY=file://"+served.proxy+","+others(t), "GOBIN="+m.dir, "PATH="+m.dir+":"+os.Getenv("PATH"),
		"GOFLAGS=-modcacherw")
	for _, c := range commands {
		out := m.run("bash", "-c", strings.ReplaceAll(c[1], "@latest", "@"+served.version))
		if strings.Contains(out, ".go:") {
			t.Errorf("%s printed\n%s", c[1], out)
		}
	}
	m.write("leak.go", "package main\n\nimport \"github.com/gocmem/cmem/cmem\"\n\nfunc leak() { cmem.Alloc(10) }\n")
	cmd := m.command("./cmemvet", ".")
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "the result is dropped") {
		t.Errorf("cmemvet of a leak: %v, and it printed\n%s", err, out)
	}
}
