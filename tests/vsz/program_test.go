//go:build linux && cgo && !race && !asan && !goexperiment.cgocheck2

package vsz

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func wantParts(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("expected %q in\n%s", part, text)
		}
	}
}

// TestOtherModule runs the command outside of the module.
func TestOtherModule(t *testing.T) {
	dir := module(t, map[string]string{"cmd/tool/main.go": waits})
	for from, pkg := range map[string]string{dir: "./cmd/tool", "/": filepath.Join(dir, "cmd/tool"),
		filepath.Join(dir, "cmd"): "example.com/app/cmd/tool"} {
		c := vsz(t, from, quick(pkg, "--variants", "nocgo", "--ready", "^ready$")...)
		c.want(0)
		wantParts(t, c.stdout.String(), "example.com/app/cmd/tool\n", "\nnocgo ")
	}
}

// TestVendored: the module's dependency is in its vendor folder and nowhere else.
func TestVendored(t *testing.T) {
	dir := module(t, map[string]string{
		"go.mod":                               "module example.com/app\n\ngo 1.24\n\nrequire example.com/greet v1.0.0\n",
		"main.go":                              strings.ReplaceAll(waits, `"ready"`, "greet.Text") + "\n",
		"vendor/modules.txt":                   "# example.com/greet v1.0.0\n## explicit; go 1.24\nexample.com/greet\n",
		"vendor/example.com/greet/greet.go":    "package greet\n\nconst Text = \"hello\"\n",
		"vendor/example.com/greet/not_used.go": "package greet\n",
	})
	main := filepath.Join(dir, "main.go")
	text, err := os.ReadFile(main)
	if err != nil {
		t.Fatal(err)
	}
	writeFiles(t, dir, map[string]string{"main.go": strings.Replace(string(text), "\"time\"",
		"\"time\"\n\n\t\"example.com/greet\"", 1)})
	c := vsz(t, dir, quick(".", "--variants", "external", "--lean", "--ready", "^hello$")...)
	c.want(0)
	wantParts(t, c.stdout.String(), "\nexternal ", "\nexternal+lean ")
}

// TestStdin: the program waits for a name, and ends at the end of its input.
func TestStdin(t *testing.T) {
	dir := module(t, map[string]string{"main.go": `package main

import (
	"bufio"
	"fmt"
	"os"
)

func main() {
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		fmt.Println("hello", in.Text())
	}
	fmt.Println("bye")
}
`})
	vsz(t, dir, quick(".", "--variants", "nocgo", "--ready", "^hello gopher$", "--stdin", "gopher\n")...).want(0)
	vsz(t, dir, quick(".", "--variants", "nocgo", "--ready", "^hello gopher$", "--stdin", "gopher\n",
		"--stdin-eof")...).want(2, "ended before it was measured", "bye")
	vsz(t, dir, quick(".", "--variants", "nocgo", "--ready", "^hello", "--timeout", "300ms")...).want(2, "not ready",
		"(it printed nothing)")
}

func TestArguments(t *testing.T) {
	dir := module(t, map[string]string{"main.go": `package main

import (
	"fmt"
	"os"
	"time"
)

func main() {
	dir, _ := os.Getwd()
	fmt.Printf("%q %s in %s\n", os.Args[1:], os.Getenv("GREETING"), dir)
	time.Sleep(time.Hour)
}
`})
	for _, args := range [][]string{{"--args", "-v", "--args", "a b"}, {"--", "-v", "a b"},
		{"--args", "-v", "--", "a b"}} {
		vsz(t, dir, append(quick(".", "--variants", "nocgo", "--ready", `^\["-v" "a b"\] hi in /$`, "--env", "GREETING=hi",
			"--dir", "/"), args...)...).want(0)
	}
}

// TestTrace wants to see what cgo adds: an arena of malloc's, mapped by a thread that is beside one which has none.
func TestTrace(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("there is no strace")
	}
	dir := module(t, map[string]string{"main.go": server, "other/main.go": waits})
	c := vsz(t, dir, ".", "--trace", "nocgo,default", "--ready", "^ready")
	c.want(0)
	wantParts(t, c.stdout.String(), "thread 1\n  nocgo ", `  execve("app", ["app"], `, " > brk(NULL)\n", "\nthread 2\n",
		" > mmap(NULL, 134217728, PROT_NONE, ")
	c = vsz(t, dir, ".", "./other", "--trace", "nocgo,nocgo", "--ready", "^ready")
	c.want(0)
	wantParts(t, c.stdout.String(), "  nocgo of . ", "nocgo of ./other\n", "socket(AF_INET")
	vsz(t, dir, ".", "--trace", "nocgo,default", "--ready", "^never$", "--timeout", "300ms").want(2, "tracing nocgo of .",
		"not ready")
}

// TestRequest wants requests to reach the program, and one that it does not answer to be an error.
func TestRequest(t *testing.T) {
	dir := module(t, map[string]string{"main.go": `package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
)

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println("listening on", l.Addr())
	for {
		c, err := l.Accept()
		if err != nil {
			panic(err)
		}
		data := make([]byte, 4096)
		n, _ := c.Read(data)
		if path := strings.Fields(string(data[:n]))[1]; path != "/nothing" {
			os.WriteFile(os.Args[1]+path, nil, 0o666)
			io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
		}
		c.Close()
	}
}
`})
	got := t.TempDir()
	const ready = `listening on (\S+)`
	vsz(t, dir, quick(".", "--variants", "nocgo", "--ready", ready, "--request", "http://$1/one", "--request",
		"http://$1/two", "--", got)...).want(0)
	for _, name := range []string{"one", "two"} {
		if _, err := os.Stat(filepath.Join(got, name)); err != nil {
			t.Errorf("the program did not get a request for /%s: %v", name, err)
		}
	}
	vsz(t, dir, quick(".", "--variants", "nocgo", "--ready", ready, "--request", "http://$1/nothing", "--",
		got)...).want(2, "did not answer", "/nothing")
}
