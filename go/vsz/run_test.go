package vsz

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/procfs"
)

// helper names what the test binary does instead of testing.
const helper = "VSZ_TEST_HELPER"

func TestMain(m *testing.M) {
	switch os.Getenv(helper) {
	case "":
		flag.Parse()
		if *record == "" {
			os.Exit(m.Run())
		}
		if err := recordFixture(*record); err != nil {
			fmt.Fprintln(os.Stderr, "record", *record+":", err)
			os.Exit(1)
		}
	case "listen":
		listen(os.Args[1])
	case "orphan":
		orphan()
	}
}

// listen accepts connections on the address and drops them.
func listen(addr string) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		panic(err)
	}
	for {
		if c, err := l.Accept(); err == nil {
			c.Close()
		}
	}
}

func workspace(t *testing.T) *Workspace {
	t.Helper()
	w, err := NewWorkspace()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Errorf("close the workspace: %v", err)
		}
	})
	return w
}

// shell is a program that runs a script.
func shell(w *Workspace, script string) (*Program, RunConfig) {
	return &Program{Package: "script", Path: "/bin/sh", Variant: Variant{Name: "any"}, ws: w},
		RunConfig{Args: []string{"-c", script}, Ready: Ready{Line: regexp.MustCompile("^ready")}}
}

// alive tells whether a process runs: a zombie does not.
func alive(pid int) bool {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return false
	}
	stat, err := p.Stat()
	return err == nil && stat.State != "Z" && stat.State != "X"
}

// eventually waits until f holds.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not after 20 s: %s", what)
		}
	}
}

func TestStartUntilLineAndRequests(t *testing.T) {
	var paths []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.Path)
		http.NotFound(w, r) // any status will do
	}))
	defer server.Close()
	p, cfg := shell(workspace(t), "echo starting; echo error >&2; echo 'ready: "+server.URL+"'; exec sleep 1000")
	cfg.Ready.Line = regexp.MustCompile(`ready: (?P<url>\S+)`)
	cfg.Requests = []string{"$1/one", "${url}/two"}
	proc, err := p.Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(paths, []string{"/one", "/two"}) {
		t.Errorf("requests for %q, expected /one and /two", paths)
	}
	if out := proc.Output(); !strings.Contains(out, "starting\n") || !strings.Contains(out, "error\n") {
		t.Errorf("output %q, expected both streams", out)
	}
	if proc.Startup() <= 0 {
		t.Error("no time of start-up")
	}
	if !alive(proc.PID()) {
		t.Error("it does not run")
	}
	proc.Stop()
	proc.Stop()
	if alive(proc.PID()) {
		t.Error("it runs after Stop")
	}
}

func TestStopEndsTheGroup(t *testing.T) {
	p, cfg := shell(workspace(t), "sleep 1000 & echo ready $!; sleep 1000")
	proc, err := p.Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(proc.Output(), "ready ")))
	if err != nil || !alive(child) {
		t.Fatalf("no child %d: %v", child, err)
	}
	proc.Stop()
	if alive(child) {
		t.Errorf("the child %d runs after Stop", child)
	}
}

// A program that ends by itself may leave a child too.
func TestEndOfGroup(t *testing.T) {
	p, cfg := shell(workspace(t), "sleep 1000 & echo ready $!; exit 0")
	proc, err := p.Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Stop()
	child, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(proc.Output(), "ready ")))
	if err != nil {
		t.Fatal(err)
	}
	<-proc.Done()
	if alive(child) {
		t.Errorf("the child %d runs after the program has ended", child)
	}
}

func TestStartUntilAddr(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	p := &Program{Package: "listener", Path: os.Args[0], ws: workspace(t)}
	cfg := RunConfig{Args: []string{addr}, Env: []string{helper + "=listen"}, Ready: Ready{Addr: addr}}
	_, err = p.Start(context.Background(), cfg)
	var failed *RunError
	if !errors.As(err, &failed) || !strings.Contains(err.Error(), addr) {
		t.Errorf("address in use: error %v, expected a RunError that names %s", err, addr)
	}
	l.Close()
	proc, err := p.Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Stop()
	if !answers(context.Background(), addr) {
		t.Error("it is ready and does not listen")
	}
}

func TestStartErrors(t *testing.T) {
	w := workspace(t)
	for name, c := range map[string]struct {
		script string
		change func(*RunConfig)
		want   []string
	}{
		"ends": {"echo oops >&2; exit 3", func(*RunConfig) {},
			[]string{"ended before", `"^ready"`, "exit status 3", "oops"}},
		"ends silently": {"exit 0", func(*RunConfig) {}, []string{"exit status 0", "printed nothing"}},
		"never ready": {"echo waiting; sleep 1000", func(c *RunConfig) { c.Ready.Timeout = 300 * time.Millisecond },
			[]string{"not ready after 300ms", "waiting"}},
		"never listens": {"sleep 1000", func(c *RunConfig) {
			c.Ready = Ready{Addr: "127.0.0.1:1",
				Timeout: 300 * time.Millisecond}
		},
			[]string{"not ready", "127.0.0.1:1"}},
		"ends too soon": {"exit 4", func(c *RunConfig) { c.Ready = Ready{} }, []string{"exit status 4", "1s"}},
		"does not answer": {"echo ready; sleep 1000", func(c *RunConfig) { c.Requests = []string{"http://127.0.0.1:1/"} },
			[]string{"did not answer", "127.0.0.1:1"}},
	} {
		t.Run(name, func(t *testing.T) {
			p, cfg := shell(w, c.script)
			c.change(&cfg)
			_, err := p.Start(context.Background(), cfg)
			var failed *RunError
			if !errors.As(err, &failed) {
				t.Fatalf("error %v, expected a RunError", err)
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("no %q in: %v", part, err)
				}
			}
			if groups := w.groups; len(groups) > 0 {
				t.Errorf("process groups %d are left", groups)
			}
		})
	}
}

func TestStdin(t *testing.T) {
	w := workspace(t)
	p, cfg := shell(w, "read a; echo got $a; read b || echo end; echo ready")
	cfg.Stdin, cfg.StdinEOF = "x\n", true
	proc, err := p.Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	proc.Stop()
	if got := proc.Output(); got != "got x\nend\nready\n" {
		t.Errorf("output %q, expected the line and the end of input", got)
	}
	// Without StdinEOF there is no end: the second read waits.
	p, cfg = shell(w, "read a; echo ready $a; read b; echo end")
	cfg.Stdin = "x\n"
	if proc, err = p.Start(context.Background(), cfg); err != nil {
		t.Fatal(err)
	}
	defer proc.Stop()
	select {
	case <-proc.Done():
		t.Errorf("it ended, with output %q", proc.Output())
	case <-time.After(200 * time.Millisecond):
	}
}

func TestEnvironmentAndLimit(t *testing.T) {
	w := workspace(t)
	p, cfg := shell(w, `echo "$A $B $(ulimit -s) $PWD"; echo ready; sleep 1000`)
	p.Variant.RunEnv = []string{"A=1", "B=1"}
	dir := t.TempDir()
	cfg.Dir, cfg.StackLimit = dir, "1024"
	proc, err := p.Start(context.Background(), cfg.With(Knob{Env: []string{"B=2"}}))
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Stop()
	if got, want := proc.Output(), fmt.Sprintf("1 2 1024 %s\nready\n", dir); got != want {
		t.Errorf("output %q, expected %q", got, want)
	}
	for _, limit := range []string{"1M", "-1", "0", "$(id)", "unlimited; id"} {
		cfg.StackLimit = limit
		if _, err := p.Start(context.Background(), cfg); err == nil || !strings.Contains(err.Error(), strconv.Quote(limit)) {
			t.Errorf("stack limit %q: error %v, expected one that names it", limit, err)
		}
	}
}

func TestOutputKeepsHeadAndTail(t *testing.T) {
	o := newOutput(regexp.MustCompile("^last (.*)$"))
	s := o.stream()
	fmt.Fprintf(s, "first\n")
	for range 100 {
		fmt.Fprintln(s, strings.Repeat("x", 4095))
	}
	fmt.Fprintf(s, "la")
	fmt.Fprintf(o.stream(), "other stream\n")
	if o.hasMatched() {
		t.Error("part of a line has matched")
	}
	fmt.Fprintf(s, "st one\nlast two\n")
	if !o.hasMatched() || o.expand("$1") != "one" {
		t.Errorf("$1 is %q, expected one", o.expand("$1"))
	}
	got := o.String()
	if !strings.HasPrefix(got, "first\n") || !strings.HasSuffix(got, "last two\n") ||
		!strings.Contains(got, "bytes left out") {
		t.Errorf("head or tail is missing in %d bytes", len(got))
	}
	if len(got) > 2*keep+100 {
		t.Errorf("%d bytes are kept, expected about %d", len(got), 2*keep)
	}
}
