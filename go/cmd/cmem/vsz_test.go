//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gocmem/cmem/go/vsz"
	"github.com/gocmem/cmem/internal/ending"
)

// TestVSZBadCommandLine: nothing is built for these.
func TestVSZBadCommandLine(t *testing.T) {
	for args, part := range map[string]string{
		"":                                    "expected a package",
		"a b":                                 "2 packages (a, b)",
		". --variants nosuch":                 `"nosuch"`,
		". --variants pie,pie":                "pie is there twice",
		". --load threads=3":                  `"threads=3"`,
		". --load cgo-threads=0":              `"cgo-threads=0"`,
		". --load none,none":                  "none is there twice",
		". --runs 0":                          "--runs 0",
		". --timeout 0s":                      "--timeout 0s",
		". --settle -1s":                      "--settle -1s",
		". --ready :0":                        ":0",
		". --ready :65536":                    ":65536",
		". --ready 1s --ready 2s":             "--ready 2s",
		". --ready :80 --ready :81":           "--ready :81",
		". --ready a --ready b":               `"b"`,
		". --ready [":                         "missing closing ]",
		". --ready 40s":                       "--timeout",
		". --request /bar":                    "/bar",
		". --env X":                           `"X"`,
		". --env =X":                          `"=X"`,
		". --json - --csv -":                  "--json and --csv",
		". --svg -":                           "--svg -",
		". --json /nosuch/file":               "/nosuch",
		". --maps":                            "--pid",
		". --max-vsz-growth 5%":               "--compare",
		". --compare x --max-rss-growth five": `"five"`,
		". --compare /nosuch/old.json":        "/nosuch/old.json",
		". --compare vsz_test.go":             "expected what --json wrote",
		"--pid 1 .":                           `"."`,
		"--pid 0":                             "--pid 0",
		"--pid -3":                            "--pid -3",
		"--pid 1 --runs 2":                    "--runs",
		"--pid 1 --compare x":                 "--compare",
		"--pid x":                             `"x"`,
		"--nosuch":                            "--nosuch",
		". --trace nocgo":                     "--trace nocgo: expected two variants",
		". --trace nocgo,pie,static":          "--trace nocgo,pie,static: expected two variants",
		". --trace nocgo,nosuch":              `"nosuch"`,
		"--trace nocgo,pie":                   "--trace with 0 packages",
		"a b c --trace nocgo,pie":             "--trace with 3 packages",
		". --trace nocgo,pie --json x":        "--json does not go with --trace",
		". --trace nocgo,pie --lean":          "--lean does not go with --trace",
		". --trace nocgo,pie --runs 1":        "--runs does not go with --trace",
		". --trace nocgo,pie --ready [":       "missing closing ]",
		"--pid 1 --trace nocgo,pie":           "--trace",
	} {
		root := rootCommand()
		root.SetArgs(append([]string{"vsz"}, strings.Fields(args)...))
		root.SetOut(new(bytes.Buffer))
		root.SetErr(new(bytes.Buffer))
		if err := root.Execute(); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("cmem vsz %s: error %v, expected one with %q", args, err, part)
		}
	}
}

func TestReady(t *testing.T) {
	for text, want := range map[string]string{
		"2s": "2s", "1m": "1m0s", ":8080": "localhost:8080", "8080": "localhost:8080", "127.0.0.1:80": "127.0.0.1:80",
		"[::1]:80":       "[::1]:80",
		"my-host.org:80": "my-host.org:80", "(8080)": "(8080)", "ready": "ready", "listening on .*:80": "listening on .*:80",
		"v1.2": "v1.2", "abc123": "abc123",
	} {
		var r vsz.Ready
		if err := setReady(&r, text); err != nil {
			t.Errorf("--ready %s: %v", text, err)
			continue
		}
		got := r.Addr
		if r.After != 0 {
			got += r.After.String()
		}
		if r.Line != nil {
			got += r.Line.String()
		}
		if got != want {
			t.Errorf("--ready %s is %q, expected %q", text, got, want)
		}
	}
}

func TestRequests(t *testing.T) {
	o := vszOptions{ready: []string{":80", "at (.*)"}, requests: []string{"/bar", "http://$1/"}}
	o.config.Measure.Run.Ready.Timeout = time.Second
	if err := o.checkReady(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(o.config.Measure.Run.Requests, " "); got != "http://localhost:80/bar http://$1/" {
		t.Errorf("requests %s", got)
	}
}

func TestList(t *testing.T) {
	out := run(t, "vsz", "--list")
	for _, v := range vsz.Variants() {
		if !strings.Contains(out, "  "+v.Name+" ") {
			t.Errorf("no variant %s in\n%s", v.Name, out)
		}
	}
	// What it says of loads can be said to --load.
	for _, l := range loads {
		if _, err := parseLoad(strings.Replace(l.name, "=N", "=2", 1)); err != nil || !strings.Contains(out, l.name) {
			t.Errorf("load %s: %v", l.name, err)
		}
	}
}

func TestExitStatus(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
	}{
		{nil, 0},
		{errors.New("bad"), 2},
		{statusError{errors.New("grown"), statusGrown}, 1},
		{fmt.Errorf("building: %w", ending.Signal(syscall.SIGTERM)), 143},
		{errors.Join(ending.Signal(syscall.SIGINT), errors.New("also")), 130},
	} {
		var out bytes.Buffer
		if got := report(&out, c.err); got != c.status || (c.err == nil) != (out.Len() == 0) {
			t.Errorf("%v: exit status %d, expected %d; it said %q", c.err, got, c.status, out.String())
		}
	}
}
