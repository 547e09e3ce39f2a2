package main

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/gocmem/cmem/cmem"
)

// run runs the command line and returns what it prints.
func run(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(&out)
	if err := root.Execute(); err != nil {
		t.Fatalf("cmem %s: %v", strings.Join(args, " "), err)
	}
	return out.String()
}

func TestClasses(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(run(t, "classes")), "\n")
	classes := cmem.SizeClasses()
	if len(lines) != len(classes)+1 {
		t.Fatalf("%d lines, expected a heading and %d classes", len(lines), len(classes))
	}
	for i, sc := range classes {
		f := strings.Fields(lines[i+1])
		want := []int{i + 1, sc.Size, sc.SpanBytes, sc.Blocks, sc.SpanBytes - sc.Blocks*sc.Size}
		for j, w := range want {
			if got, err := strconv.Atoi(f[j]); err != nil || got != w {
				t.Errorf("class %d, column %d: %q, expected %d", i+1, j+1, f[j], w)
			}
		}
		waste, err := strconv.ParseFloat(strings.TrimSuffix(f[5], "%"), 64)
		if err != nil {
			t.Fatal(err)
		}
		if sc.MinSize > 128 && waste > 12.5 {
			t.Errorf("class %d wastes up to %v %%, expected at most 12.5 %%", i+1, waste)
		}
		// The waste of one block, computed the other way round.
		if want := 100 * float64(sc.Size-sc.MinSize) / float64(sc.Size); waste < want-0.01 || waste > want+0.01 {
			t.Errorf("class %d: waste of %v %%, expected %.2f %%", i+1, waste, want)
		}
	}
}

func TestClassesJSON(t *testing.T) {
	var got []cmem.SizeClass
	if err := json.Unmarshal([]byte(run(t, "classes", "--json")), &got); err != nil {
		t.Fatal(err)
	}
	want := cmem.SizeClasses()
	if len(got) != len(want) {
		t.Fatalf("%d classes, expected %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("class %d: %+v, expected %+v", i+1, got[i], want[i])
		}
	}
}

func TestBadCommandLine(t *testing.T) {
	for _, args := range [][]string{{"nosuch"}, {"classes", "extra"}, {"classes", "--nosuch"}} {
		root := rootCommand()
		root.SetArgs(args)
		root.SetOut(new(bytes.Buffer))
		root.SetErr(new(bytes.Buffer))
		if err := root.Execute(); err == nil || !strings.Contains(err.Error(), strings.TrimLeft(args[len(args)-1], "-")) {
			t.Errorf("cmem %v: error %v, expected one that names %q", args, err, args[len(args)-1])
		}
	}
}
