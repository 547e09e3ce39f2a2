package main

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gocmem/cmem/examples/recycle/modes"
)

func TestBadFlags(t *testing.T) {
	for _, test := range []struct {
		args   string
		expect string // in the message: the value, and what was expected
	}{
		{"-rate x", `"x" for flag -rate: expected a whole number from 1 to 100000`},
		{"-rate 0", `"0" for flag -rate: expected a whole number from 1`},
		{"-live 1.5", `"1.5" for flag -live: expected a whole number`},
		{"-seconds 0", `"0" for flag -seconds: expected a number of seconds from 0.1`},
		{"-seconds 1m", `"1m" for flag -seconds: expected a number of seconds`},
		{"-silence NaN", `"NaN" for flag -silence: expected a number of seconds`},
		{"-after -1", `"-1" for flag -after: expected a number of seconds`},
		{"-burst 5", "-burst 5: expected more buffers than -live (20), or 0"},
		{"-mode gc,heap", `no mode is called "heap": expected all, or some of gc, pool`},
		{"-csv a.csv", `-csv "a.csv": expected a single -mode`},
		{"-mode gc,cmem -svg a.svg", `-svg "a.svg": expected a single -mode`},
		{"gc", `unexpected argument "gc": everything is set by flags`},
		{"-speed 3", "-speed"},
	} {
		var stdout, stderr bytes.Buffer
		status := run(context.Background(), strings.Fields(test.args), &stdout, &stderr)
		if status != exitUsage || !strings.Contains(stderr.String(), test.expect) || stdout.Len() > 0 {
			t.Errorf("recycle %s: status %d, %q, %q; expected status %d and %q",
				test.args, status, stdout.String(), stderr.String(), exitUsage, test.expect)
		}
	}
}

func TestHelp(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if status := run(context.Background(), []string{"-help"}, &stdout, &stderr); status != 0 || stderr.Len() > 0 {
		t.Errorf("recycle -help: status %d, %q on standard error", status, stderr.String())
	}
	for _, expect := range append(modes.Names(), "-burst-seconds seconds", "(default 100)", "(default 60)") {
		if !strings.Contains(stdout.String(), expect) {
			t.Errorf("recycle -help does not say %q:\n%s", expect, stdout.String())
		}
	}
}

// TestChildFlags has a child's flags mean what its parent's do.
func TestChildFlags(t *testing.T) {
	parent, err := parseFlags(strings.Fields("-seconds 2.5 -rate 7 -seed 9 -out dir -mode gc,cmem -age 12"), nil)
	if err != nil {
		t.Fatal(err)
	}
	child, err := parseFlags(append([]string{"-mode=gc"}, parent.set...), nil)
	if err != nil {
		t.Fatal(err)
	}
	if child.steady != 2500*time.Millisecond || child.rate != 7 || child.seed != 9 || child.age != 12*time.Second ||
		child.live != 20 {
		t.Errorf("a child of flags %v has %+v", parent.set, child)
	}
	if child.csv != filepath.Join("demo-out", "recycle", "gc.csv") {
		t.Errorf("the samples go to %s by default", child.csv)
	}
}

func TestPhases(t *testing.T) {
	for args, expect := range map[string]string{
		"":                             "steady burst after silence",
		"-burst 0":                     "steady silence",
		"-burst-seconds 0":             "steady silence",
		"-after 0 -silence 0":          "steady burst",
		"-burst 0 -silence 0 -after 9": "steady",
	} {
		c, err := parseFlags(strings.Fields(args), nil)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, p := range c.phases() {
			names = append(names, p.name)
		}
		if got := strings.Join(names, " "); got != expect {
			t.Errorf("recycle %s goes through %s, expected %s", args, got, expect)
		}
	}
}
