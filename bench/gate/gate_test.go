package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUsage(t *testing.T) {
	var out, stderr bytes.Buffer
	if code := run([]string{"-help"}, &out, &stderr); code != 0 || !strings.Contains(stderr.String(), "pair, C, 64 B") {
		t.Errorf("-help: exit %d, %s", code, &stderr)
	}
	for args, want := range map[string]string{
		"x":                                    `argument "x"`,
		"-pairs=1":                             "-pairs 1: expected 2 or more",
		"-only=pear":                           "-only pear: no measurement",
		"-limit=much":                          "much",
		"-base=none-such -only=arena -pairs=2": "none-such",
	} {
		stderr.Reset()
		if code := run(strings.Fields(args), &out, &stderr); code == 0 || !strings.Contains(stderr.String(), want) {
			t.Errorf("%s: exit %d, %q; expected %q", args, code, stderr.String(), want)
		}
	}
}

// fake puts a benchmark into a folder that answers any measurement of bench_alloc with so many ns
// an operation, and notes whose turn it was.
func fake(t *testing.T, dir, ns string) side {
	s := side{filepath.Join(t.TempDir(), "side")}
	script := `#!/bin/sh
echo ` + ns + ` >>` + dir + `/turns
echo '{"malloc":"libc"}'
while read n; do echo "{\"ops\":$n,\"ns\":$((n * ` + ns + `))}"; done
`
	if err := os.Mkdir(s.bin, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.bin, "bench_alloc"), []byte(script), 0o777); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPairs(t *testing.T) {
	dir := t.TempDir()
	pairs, err := inC("pair", 800, "pair").pairs(context.Background(), fake(t, dir, "10"), fake(t, dir, "15"), 3)
	if err != nil {
		t.Fatal(err)
	}
	if len(pairs) != 1 || len(pairs[0].base) != 3 || len(pairs[0].now) != 3 || pairs[0].base[2] != 10 ||
		pairs[0].now[2] != 15 {
		t.Errorf("pairs: %+v", pairs)
	}
	turns, _ := os.ReadFile(filepath.Join(dir, "turns"))
	if got := strings.Fields(string(turns)); strings.Join(got, " ") != "10 15 15 10 10 15" {
		t.Errorf("turns: %s", got)
	}
}
