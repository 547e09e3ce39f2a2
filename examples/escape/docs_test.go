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
