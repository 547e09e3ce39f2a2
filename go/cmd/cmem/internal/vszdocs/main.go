//go:build linux

// Command vszdocs measures the programs of examples/vsz by cmem vsz, and writes tables and pictures into docs: in
// docs/vsz.md what stands between <!-- vsz:NAME begin --> and <!-- vsz:NAME end -->, and docs/vsz-NAME.svg.
//
// Each table is headed by the command that made it. It is run in the repository's root: make vsz.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gocmem/cmem/internal/ending"
)

// docs is the folder that is written to.
const docs = "docs"

// A section is what stands between two marks: the results of some commands.
type section struct {
	name string
	runs []run
}

// run is a study: a name for its picture, and the arguments of cmem vsz. Without a name it is what the command prints.
type run struct {
	name string
	args []string
}

// printed is how the programs say that they are ready.
const printed = "^ready"

var sections = []section{
	{"ex1", []run{{"ex1", []string{"--lean", "--what-if", "--ready", `ready: (\S+)`, "--request", "$1/bar",
		"./examples/vsz/ex1"}}}},
	{"ex2", []run{{"ex2", []string{"--ready", printed, "./examples/vsz/ex2"}}}},
	{"trace", []run{{"", []string{"--trace", "default,default", "--ready", printed, "./examples/vsz/ex2",
		"./examples/vsz/ex1"}}}},
	{"threads", []run{{"threads", []string{
		"--variants", "nocgo,default,default+lean", "--load",
		"none,go-threads=64,cgo-threads=64,malloc-threads=64,cmem-threads=64",
		"--ready", printed, "./examples/vsz/ex1",
	}}}},
	{"ex3", []run{
		{"ex3", []string{"--ready", printed, "./examples/vsz/ex3"}},
		{"ex3http", []string{"--ready", `ready: (\S+)`, "--request", "$1/bar", "./examples/vsz/ex3http"}},
	}},
	{"ex6", []run{{"ex6", []string{"--ready", printed, "./examples/vsz/ex6"}}}},
	{"testnetgo", []run{{"testnetgo", []string{"--ready", printed, "./examples/vsz/testnetgo", "--", "localhost"}}}},
	{"ex1cmem", []run{{"ex1cmem", []string{"--lean", "--ready", `ready: (\S+)`, "--request", "$1/bar",
		"./examples/vsz/ex1cmem"}}}},
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("vszdocs: ")
	only := flag.String("only", "", "`names` of the sections to write, separated by commas; by default all")
	flag.Parse()
	ctx, stop := ending.Context()
	defer stop()
	if err := ending.Cause(ctx, generate(ctx, *only)); err != nil {
		log.Print(err)
		os.Exit(ending.Status(err, 1))
	}
}

// generate measures everything first, and writes then, so that the docs are of one time.
func generate(ctx context.Context, only string) error {
	page := filepath.Join(docs, "vsz.md")
	old, err := os.ReadFile(page)
	if err != nil {
		return fmt.Errorf("%w: expected to run in the repository's root", err)
	}
	chosen, err := choose(only, string(old))
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "cmem-vszdocs-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	cmem := filepath.Join(temp, "cmem")
	if err := command(ctx, "go", "build", "-o", cmem, "./go/cmd/cmem"); err != nil {
		return err
	}
	text := string(old)
	for _, s := range chosen {
		body, err := s.measure(ctx, cmem, temp)
		if err != nil {
			return fmt.Errorf("section %s: %w", s.name, err)
		}
		if text, err = replace(text, s.name, body); err != nil {
			return err
		}
	}
	for _, s := range chosen {
		for _, r := range s.runs {
			if r.name == "" {
				continue
			}
			if err := copyFile(picture(temp, r.name), picture(docs, r.name)); err != nil {
				return err
			}
		}
	}
	return os.WriteFile(page, []byte(text), 0o644)
}

// choose returns the sections of that names, or those that the page has marks for.
func choose(only, page string) ([]section, error) {
	var chosen []section
	var names []string
	wanted := strings.Split(only, ",")
	for _, s := range sections {
		names = append(names, s.name)
		if slices.Contains(wanted, s.name) || only == "" && strings.Contains(page, mark(s.name, "begin")) {
			chosen = append(chosen, s)
		}
	}
	for _, name := range wanted {
		if only != "" && !slices.Contains(names, name) {
			return nil, fmt.Errorf("-only %s: expected some of %s", only, strings.Join(names, ", "))
		}
	}
	return chosen, unknownMark(page, names)
}

// unknownMark is an error for a mark that nothing here fills.
func unknownMark(page string, names []string) error {
	for _, rest := range strings.Split(page, "<!-- vsz:")[1:] {
		if name, _, _ := strings.Cut(rest, " "); !slices.Contains(names, name) {
			return fmt.Errorf("docs/vsz.md has a mark for %q: expected one of %s", name, strings.Join(names, ", "))
		}
	}
	return nil
}

// measure runs the section's commands and returns their tables.
func (s *section) measure(ctx context.Context, cmem, temp string) (string, error) {
	var body strings.Builder
	for i, r := range s.runs {
		log.Printf("cmem vsz %s", shellWords(r.args))
		if r.name == "" {
			text, err := output(ctx, cmem, append([]string{"vsz"}, r.args...)...)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(&body, "```\n$ cmem vsz %s\n%s```\n", shellWords(r.args), text)
			continue
		}
		table := filepath.Join(temp, r.name+".md")
		args := append([]string{"vsz", "--markdown", table, "--svg", picture(temp, r.name)}, r.args...)
		if err := command(ctx, cmem, args...); err != nil {
			return "", err
		}
		text, err := os.ReadFile(table)
		if err != nil {
			return "", err
		}
		if i > 0 {
			body.WriteString("\n")
		}
		fmt.Fprintf(&body, "```\ncmem vsz %s\n```\n\n%s\n![%s: virtual and resident memory by kind of mapping](%s)\n",
			shellWords(r.args), text, r.name, filepath.Base(picture(docs, r.name)))
	}
	return body.String(), nil
}

func picture(dir, name string) string { return filepath.Join(dir, "vsz-"+name+".svg") }

// command runs a program whose errors and progress are ours.
func command(ctx context.Context, name string, args ...string) error {
	_, err := output(ctx, name, args...)
	return err
}

// output is command, and what it prints.
func output(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr = os.Stderr
	ending.Bind(cmd)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // it has to clean up
	cmd.WaitDelay = 10 * time.Second
	return cmd.Output()
}

// shellWords quotes arguments as one types them.
func shellWords(args []string) string {
	words := slices.Clone(args)
	for i, word := range words {
		if strings.ContainsAny(word, " $()^\\") {
			words[i] = "'" + word + "'"
		}
	}
	return strings.Join(words, " ")
}

func mark(name, which string) string { return fmt.Sprintf("<!-- vsz:%s %s -->\n", name, which) }

// replace replaces what stands between the marks of a section.
func replace(page, name, body string) (string, error) {
	before, rest, begins := strings.Cut(page, mark(name, "begin"))
	_, after, ends := strings.Cut(rest, mark(name, "end"))
	if !begins || !ends {
		return "", fmt.Errorf("docs/vsz.md has no lines %q and %q after it", strings.TrimSpace(mark(name, "begin")),
			strings.TrimSpace(mark(name, "end")))
	}
	return before + mark(name, "begin") + body + mark(name, "end") + after, nil
}

func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o644)
}
