package escape

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const guide = "../../docs/replacing-make.md"

// TestGuide finds the guide's Go code in the programs, which compile and are tested.
func TestGuide(t *testing.T) {
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```go\n(.*?)^```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) == 0 {
		t.Fatalf("%s has no Go code", guide)
	}
	code := programText(t)
	for _, b := range blocks {
		if !strings.Contains(code, b[1]) {
			t.Errorf("%s has code that no program has:\n%s", guide, b[1])
		}
	}
}

// TestGuideNames finds every program's name in the guide's table of reasons.
func TestGuideNames(t *testing.T) {
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range programs() {
		name, _, _ := strings.Cut(p.name, "(")
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("%s does not name %s", guide, name)
		}
	}
}

// TestPattern takes the pattern by which the compiler's words are found, which stands in three
// places: it is to find them, and not the path in front of each.
func TestPattern(t *testing.T) {
	const want = `grep -E 'not escape|escapes to|moved to'`
	for _, file := range []string{guide, "doc.go", "../../Makefile"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), want) {
			t.Errorf("%s has no %s", file, want)
		}
	}
	pattern := regexp.MustCompile(strings.Split(want, "'")[1])
	for line, matches := range map[string]bool{
		"examples/escape/append.go:7:6: can inline AppendStays":               false,
		"examples/escape/stored.go:7:11: leaking param: b":                    false,
		"examples/escape/returned.go:7:11: make([]byte, 64) escapes to heap":  true,
		"examples/escape/returned.go:26:11: make([]byte, 64) does not escape": true,
		"examples/escape/returned.go:33:6: moved to heap: h":                  true,
	} {
		if pattern.MatchString(line) != matches {
			t.Errorf("%s matches %q: %v, want %v", want, line, !matches, matches)
		}
	}
}

// programText is all the Go code below this directory.
func programText(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" {
			return err
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
