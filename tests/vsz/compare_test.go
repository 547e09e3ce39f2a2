//go:build linux && cgo && !race && !asan && !goexperiment.cgocheck2

package vsz

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// TestCompare compares a program with itself, with what it would have been at half the size, and with another program.
func TestCompare(t *testing.T) {
	dir := module(t, map[string]string{"main.go": waits})
	common := quick(".", "--variants", "nocgo", "--ready", "^ready")
	vsz(t, dir, append(common, "--json", "old.json")...).want(0)
	text, err := os.ReadFile(filepath.Join(dir, "old.json"))
	if err != nil {
		t.Fatal(err)
	}
	change := func(name, pattern, with string) {
		changed := regexp.MustCompile(pattern).ReplaceAll(text, []byte(with))
		if string(changed) == string(text) {
			t.Fatalf("there is no %s", pattern)
		}
		writeFiles(t, dir, map[string]string{name: string(changed)})
	}
	s := readStudy(t, filepath.Join(dir, "old.json"))
	half := strconv.FormatInt(s.Variants[0].VSZ/2, 10)
	change("half.json", `("vsz_kib": )`+strconv.FormatInt(s.Variants[0].VSZ, 10)+`\b`, "${1}"+half)
	change("other.json", `"example.com/app"`, `"example.com/other"`)
	change("renamed.json", `"nocgo"`, `"pie"`)
	change("machine.json", `"kernel": "[^"]*"`, `"kernel": "Linux 2.6"`)
	writeFiles(t, dir, map[string]string{"junk.json": "{}", "cut.json": string(text[:len(text)/2])})

	// Of one program's runs one may have a heap arena more than another.
	loose := []string{"--max-vsz-growth", "100MiB", "--max-rss-growth", "100%"}
	vsz(t, dir, append(append(common, "--compare", "old.json"), loose...)...).want(0,
		"nothing has grown past its bound (VSZ 102400KiB, RSS 100%)")
	vsz(t, dir, append(append(common, "--compare", "machine.json"), loose...)...).want(0,
		"another kernel: Linux 2.6, now ")
	c := vsz(t, dir, append(append(common, "--compare", "half.json"), loose...)...)
	c.want(1, "grown since half.json", "nocgo: VSZ grew from "+half, "and 102400KiB is allowed")
	wantParts(t, c.stdout.String(), "nocgo, the first row")
	vsz(t, dir, append(common, "--compare", "half.json", "--max-vsz-growth", "300%", "--max-rss-growth",
		"100%")...).want(0)
	vsz(t, dir, append(common, "--compare", "other.json")...).want(2,
		"is of example.com/other, and this is example.com/app")
	vsz(t, dir, append(common, "--compare", "renamed.json")...).want(2, "none of the variants")
	for _, bad := range []string{"junk.json", "cut.json"} {
		vsz(t, dir, append(common, "--compare", bad)...).want(2, bad+": expected what --json wrote")
	}
}
