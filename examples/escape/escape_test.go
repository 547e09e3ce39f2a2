//go:build cgo && !race && !asan && !goexperiment.cgocheck2

// What the compiler decides and a program allocates differs with the detectors, and adds nothing without cgo.

package escape

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A fact is what the compiler says, or a comment, of a line of a file.
type fact struct{ file, line, text string }

// TestCompiler compares the comments at the ends of lines with what the compiler says.
func TestCompiler(t *testing.T) {
	said, claimed := compilerSays(t), commentsSay(t)
	for f := range claimed {
		if !said[f] {
			t.Errorf("%s:%s: the comment says %q, the compiler does not", f.file, f.line, f.text)
		}
	}
	for f := range said {
		// That something stays goes without saying: a comment tells it where the point is.
		if !claimed[f] && !strings.HasSuffix(f.text, " does not escape") {
			t.Errorf("%s:%s: the compiler says %q, no comment does", f.file, f.line, f.text)
		}
	}
	t.Logf("%d comments, %d messages", len(claimed), len(said))
}

// TestGuideMessages finds the compiler's messages that the guide shows among what it says.
func TestGuideMessages(t *testing.T) {
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	said, shown := compilerSays(t), messages(string(text))
	if len(shown) == 0 {
		t.Fatalf("%s has no message of the compiler", guide)
	}
	for f := range shown {
		if !said[f] {
			t.Errorf("%s has %s:%s: %s, which the compiler does not say", guide, f.file, f.line, f.text)
		}
	}
}

// compilerSays builds the package. The go command prints the messages of a build that it has in its cache, too.
func compilerSays(t *testing.T) map[fact]bool {
	t.Helper()
	out, err := exec.Command("go", "build", "-gcflags=-m", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("go build -gcflags=-m: %v\n%s", err, out)
	}
	return messages(string(out))
}

var message = regexp.MustCompile(`(?m)^(?:\S*/)?(\w+\.go):(\d+):\d+: ` +
	`(.*(?: escapes to heap| does not escape)|moved to heap: .*)$`)

// messages are those in text that say where something lies.
func messages(text string) map[fact]bool {
	facts := map[fact]bool{}
	for _, m := range message.FindAllStringSubmatch(text, -1) {
		facts[fact{m[1], m[2], m[3]}] = true
	}
	return facts
}

// commentsSay reads the package's files for what is said of this version of Go.
func commentsSay(t *testing.T) map[fact]bool {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	facts := map[fact]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			code, comment, _ := strings.Cut(line, "// ")
			if strings.TrimSpace(code) == "" {
				continue
			}
			for _, claim := range strings.Split(comment, "; ") {
				if claim = forThisGo(claim); claim != "" {
					facts[fact{file, strconv.Itoa(i + 1), claim}] = true
				}
			}
		}
	}
	return facts
}

var condition = regexp.MustCompile(`^(before )?(go1\.\d+)(\+?): `)

// forThisGo returns the claim without its condition, "" where that excludes this version of Go.
func forThisGo(claim string) string {
	m := condition.FindStringSubmatch(claim)
	if m == nil {
		return claim
	}
	if before := m[1] != ""; before == goHas(m[2]) {
		return ""
	}
	return strings.TrimPrefix(claim, m[0])
}

// TestAllocations runs the programs.
func TestAllocations(t *testing.T) {
	for _, p := range programs() {
		if n := testing.AllocsPerRun(100, p.run); n > 0 != p.allocates {
			t.Errorf("%s: %v allocations, want some: %v", p.name, n, p.allocates)
		}
	}
}

// TestAllPrograms finds functions that are not among the programs.
func TestAllPrograms(t *testing.T) {
	known := map[string]bool{}
	for _, p := range programs() {
		name, _, _ := strings.Cut(p.name, "(")
		known[name] = true
	}
	out, err := exec.Command("go", "doc", "-short", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("go doc: %v\n%s", err, out)
	}
	functions := regexp.MustCompile(`(?m)^func (\w+)`).FindAllStringSubmatch(string(out), -1)
	if len(functions) == 0 {
		t.Fatalf("go doc lists no functions:\n%s", out)
	}
	for _, m := range functions {
		if !known[m[1]] {
			t.Errorf("%s is not among the programs", m[1])
		}
	}
}
