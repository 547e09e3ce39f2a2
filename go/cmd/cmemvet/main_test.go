//go:build !race && !asan && !goexperiment.cgocheck2

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// root is the directory of the repository.
const root = "../../.."

// command is the built command.
var command string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "cmemvet")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	command = filepath.Join(dir, "cmemvet")
	if out, err := exec.Command("go", "build", "-o", command, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// run runs a program, and returns what it prints and its exit status.
func run(t *testing.T, dir string, args ...string) (string, int) {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// TestRepository wants nothing to report in this repository.
func TestRepository(t *testing.T) {
	work, err := os.ReadFile(filepath.Join(root, "go.work"))
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"go", "vet", "-vettool=" + command}
	for _, use := range regexp.MustCompile(`(?m)^\t(\.\S*)$`).FindAllStringSubmatch(string(work), -1) {
		args = append(args, use[1]+"/...")
	}
	if len(args) < 6 {
		t.Fatalf("go.work has no modules: %q", args)
	}
	if out, status := run(t, root, args...); status != 0 {
		t.Errorf("exit status %d\n%s", status, out)
	}
}

// TestApart is the same for the modules that need a newer Go, where there is one.
func TestApart(t *testing.T) {
	works, err := filepath.Glob(filepath.Join(root, "*/*/go.work"))
	adapters, err2 := filepath.Glob(filepath.Join(root, "go/adapters/*/go.work"))
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	for _, work := range append(works, adapters...) {
		dir, err := filepath.Rel(root, filepath.Dir(work))
		if err != nil {
			t.Fatal(err)
		}
		t.Run(dir, func(t *testing.T) {
			out, status := run(t, root, "tests/scripts/in-module.sh", dir, "go", "vet", "-vettool="+command, "./...")
			if status != 0 {
				t.Errorf("exit status %d\n%s", status, out)
			}
		})
	}
}

var (
	goBlock    = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")
	reportLine = regexp.MustCompile(`(?m)^.*?(p\d\d/p\.go:\d+):\d+: (.*)$`)
	lineNumber = regexp.MustCompile(`line (\d+)`)
)

// before is how many lines come before an example in its file.
const before = 8

// TestDocument runs the command over the examples of docs/cmemvet.md, each a package. The comments
// in them are to be all that is reported.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs/cmemvet.md"))
	if err != nil {
		t.Fatal(err)
	}
	cmem, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Setenv("GOWORK", "off")
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte(text), 0o666))
		if err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module example.com/user\n\ngo 1.24\n\n"+
		"require github.com/gocmem/cmem v0.1.0\n\nreplace github.com/gocmem/cmem => "+cmem+"\n")
	var want []string
	for i, block := range goBlock.FindAllStringSubmatch(string(text), -1) {
		code, lines := file(block[1])
		name := fmt.Sprintf("p%02d/p.go", i)
		write(name, code)
		for _, l := range lines {
			want = append(want, name+":"+l)
		}
	}
	out, status := run(t, dir, command, "./...")
	var got []string
	for _, m := range reportLine.FindAllStringSubmatch(out, -1) {
		got = append(got, m[1]+": "+m[2])
	}
	slices.Sort(got)
	slices.Sort(want)
	if status == 0 || len(want) < 10 || !slices.Equal(got, want) {
		t.Errorf("exit status %d\ngot:\n%s\nwant:\n%s\nprinted:\n%s",
			status, strings.Join(got, "\n"), strings.Join(want, "\n"), out)
	}
}

// file makes an example a file with the imports that it needs. It returns the reports that its
// comments want, "LINE: TEXT".
func file(code string) (text string, want []string) {
	text = "package p\n\n"
	for _, path := range []string{"bytes", "io", "sync", "github.com/gocmem/cmem/cmem"} {
		if strings.Contains(code, filepath.Base(path)+".") {
			text += fmt.Sprintf("import %q\n", path)
		}
	}
	text += strings.Repeat("\n", before-strings.Count(text, "\n")) + code
	for i, line := range strings.Split(text, "\n") {
		if _, said, ok := strings.Cut(line, " // cmemvet: "); ok {
			said = lineNumber.ReplaceAllStringFunc(said, func(s string) string {
				n, _ := strconv.Atoi(s[len("line "):])
				return fmt.Sprint("line ", n+before)
			})
			want = append(want, fmt.Sprintf("%d: %s", i+1, said))
		}
	}
	return text, want
}

// TestJSON has the reports as JSON, as go vet has them.
func TestJSON(t *testing.T) {
	out, status := run(t, filepath.Join(root, "examples"), command, "-json", "./escape/migrate")
	if status != 0 || !strings.Contains(out, "{") {
		t.Errorf("exit status %d\n%s", status, out)
	}
}

// TestNoPackage wants go vet's error for what is no package.
func TestNoPackage(t *testing.T) {
	if out, status := run(t, ".", command, "./nowhere"); status == 0 || !strings.Contains(out, "nowhere") {
		t.Errorf("exit status %d\n%s", status, out)
	}
}
