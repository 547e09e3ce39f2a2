package overlay

import (
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestFiles(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		names []string
	}{
		"lean":       {Lean(), []string{"lean.c", "lean.go"}},
		"BlockInC":   {Threads(BlockInC, 3), []string{"block.c", "block.go", "threads.go"}},
		"HoldMalloc": {Threads(HoldMalloc, 3), []string{"block.c", "block.go", "threads.go"}},
		"HoldCmem":   {Threads(HoldCmem, 3), []string{"block.go", "threads.go"}},
		"BlockInGo":  {Threads(BlockInGo, 3), []string{"block.go", "threads.go"}},
	} {
		t.Run(name, func(t *testing.T) {
			var want []string
			for _, n := range c.names {
				want = append(want, prefix+n)
			}
			if got := slices.Sorted(maps.Keys(c.files)); !slices.Equal(got, want) {
				t.Fatalf("files %q, expected %q", got, want)
			}
			for file, text := range c.files {
				checkGo(t, file, text)
			}
		})
	}
}

// checkGo parses a Go file and wants it to be of package main.
func checkGo(t *testing.T, name, text string) {
	t.Helper()
	if !strings.HasSuffix(name, ".go") {
		return
	}
	f, err := parser.ParseFile(token.NewFileSet(), name, text, parser.AllErrors)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if f.Name.Name != "main" {
		t.Errorf("%s is of package %s", name, f.Name.Name)
	}
}

func TestThreadCount(t *testing.T) {
	text := Threads(HoldMalloc, 17)[prefix+"threads.go"]
	for _, want := range []string{"vszThreads = 17", "vszMalloc  = 65536"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if text := Threads(BlockInC, 1)[prefix+"threads.go"]; !strings.Contains(text, "vszMalloc  = 0 ") {
		t.Errorf("threads that only block take memory:\n%s", text)
	}
}
