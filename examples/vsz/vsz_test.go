//go:build linux && !race && !asan && !goexperiment.cgocheck2

// The programs are built the same whatever the tests are built with, so once is enough.

package vsz

import (
	"bufio"
	"go/build"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// program builds a program and returns its path.
func program(t *testing.T, name string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), name)
	if text, err := exec.Command("go", "build", "-o", out, "./"+name).CombinedOutput(); err != nil {
		t.Fatalf("go build ./%s: %v\n%s", name, err, text)
	}
	return out
}

// needCgo skips the programs that import "C" where there is no cgo.
func needCgo(t *testing.T) {
	t.Helper()
	if !build.Default.CgoEnabled {
		t.Skip("the program imports C, and CGO_ENABLED=0")
	}
}

// A process is a running program.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	lines  *bufio.Scanner // of standard output
	stderr *bufio.Scanner
}

func start(t *testing.T, program string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(program, args...)}
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.lines, p.stderr = bufio.NewScanner(stdout), bufio.NewScanner(stderr)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	giveUp := time.AfterFunc(time.Minute, func() { p.cmd.Process.Kill() }) // so that no read waits for ever
	t.Cleanup(func() {
		giveUp.Stop()
		p.cmd.Process.Kill()
		p.cmd.Wait()
	})
	return p
}

// line is the next line of standard output.
func (p *process) line() string { return next(p.t, p.lines) }

func next(t *testing.T, lines *bufio.Scanner) string {
	t.Helper()
	if !lines.Scan() {
		t.Fatalf("the program printed nothing more: %v", lines.Err())
	}
	return lines.Text()
}

func (p *process) wantReady() {
	p.t.Helper()
	p.wantLine("ready")
}

func (p *process) wantLine(want string) {
	p.t.Helper()
	if got := p.line(); got != want {
		p.t.Fatalf("got %q, want %s", got, want)
	}
}

// url waits until a server is ready and returns its address.
func (p *process) url() string {
	p.t.Helper()
	line := p.line()
	url, ok := strings.CutPrefix(line, "ready: ")
	if !ok || !strings.HasPrefix(url, "http://127.0.0.1:") {
		p.t.Fatalf("got %q, want ready: http://127.0.0.1:PORT", line)
	}
	return url
}

// wantEnd wants the program to end by itself, with status 0.
func (p *process) wantEnd() {
	p.t.Helper()
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("the program ended with %v", err)
	}
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	reply, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply.StatusCode, string(text)
}

// greets wants a server to greet on /bar and nowhere else.
func greets(t *testing.T, url string) {
	t.Helper()
	for range 3 {
		if status, body := get(t, url+"/bar"); status != 200 || body != `Hello, "/bar"` {
			t.Errorf("GET /bar: status %d, %q", status, body)
		}
	}
	if status, _ := get(t, url+"/"); status != 404 {
		t.Errorf("GET /: status %d, want 404", status)
	}
}

func TestServers(t *testing.T) {
	for _, name := range []string{"ex1", "ex1cmem"} {
		t.Run(name, func(t *testing.T) {
			server := program(t, name)
			greets(t, start(t, server).url())
			greets(t, start(t, server, "127.0.0.1:0").url())
			p := start(t, server, "127.0.0.1:nowhere")
			if got := next(t, p.stderr); !strings.Contains(got, "nowhere") {
				t.Errorf("with a port that is none it says %q", got)
			}
			if p.cmd.Wait() == nil {
				t.Error("with a port that is none it ends with status 0")
			}
		})
	}
}

func TestEx2(t *testing.T) {
	p := start(t, program(t, "ex2"))
	p.wantReady()
	if got := next(t, p.stderr); !strings.Contains(got, " Sys ") || !strings.Contains(got, " HeapAlloc ") {
		t.Errorf("it logs %q", got)
	}
}

func TestEx3(t *testing.T) {
	needCgo(t)
	ex3 := program(t, "ex3")
	p := start(t, ex3)
	p.wantReady()
	if _, err := io.WriteString(p.stdin, "x"); err != nil {
		t.Fatal(err)
	}
	p.wantLine("main._Ctype_int 120") // C's int, and the number of x
	p.wantEnd()

	p = start(t, ex3)
	p.wantReady()
	p.stdin.Close()
	p.wantLine("main._Ctype_int -1")
	p.wantEnd()
}

func TestEx3HTTP(t *testing.T) {
	needCgo(t)
	p := start(t, program(t, "ex3http"), "127.0.0.1:0")
	greets(t, p.url())
	p.stdin.Close()
	p.wantEnd()
}

func TestEx6(t *testing.T) {
	needCgo(t)
	p := start(t, program(t, "ex6"))
	p.wantLine("Hello from stdio")
	p.wantReady()
}

func TestTestnetgo(t *testing.T) {
	t.Setenv("GODEBUG", "netdns=1")
	p := start(t, program(t, "testnetgo"), "localhost", "")
	if got := p.line(); !strings.HasPrefix(got, "localhost [") || !strings.Contains(got, "127.0.0.1") &&
		!strings.Contains(got, "::1") {
		t.Errorf("localhost: %q", got)
	}
	if got := p.line(); !strings.Contains(got, "no such host") {
		t.Errorf("a host without a name: %q", got)
	}
	p.wantReady()
	want := "dynamic selection of DNS resolver"
	if !build.Default.CgoEnabled {
		want = "using the Go DNS resolver"
	}
	if got := next(t, p.stderr); !strings.Contains(got, want) {
		t.Errorf("with GODEBUG=netdns=1 it says %q, want %q", got, want)
	}
}

// TestImports wants the programs to import no more than they show: one package of the standard library that needs C, or
// that has tables of megabytes, changes what is measured.
func TestImports(t *testing.T) {
	cgo := []string{"net", "os/user", "runtime/cgo"}
	for name, without := range map[string][]string{
		"ex1":       {"os/user", "flag", "encoding/json"},
		"ex2":       cgo,
		"ex3":       {"net", "os/user"},
		"ex3http":   {"os/user", "flag", "encoding/json"},
		"ex6":       {"net", "os/user", "fmt"},
		"testnetgo": {"os/user", "net/http", "crypto"},
	} {
		t.Run(name, func(t *testing.T) {
			if strings.HasPrefix(name, "ex3") || name == "ex6" {
				needCgo(t)
			}
			out, err := exec.Command("go", "list", "-deps", "./"+name).Output()
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range strings.Fields(string(out)) {
				if slices.Contains(without, path) || strings.Contains(path, "gocmem") && !strings.HasSuffix(path, "/vsz/"+name) {
					t.Errorf("it imports %s", path)
				}
			}
		})
	}
}
