package vsz

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A Program is what Build made.
type Program struct {
	Package string // import path of the main package
	Variant Variant
	Path    string   // the executable, in its workspace
	Bytes   int64    // size of the executable
	Go      string   // version of Go that built it: "go1.26.8"
	Cgo     bool     // it was built with CGO_ENABLED=1
	LinksC  bool     // runtime/cgo is in it, so each of its threads is a C thread
	Net     bool     // package net is in it
	Tags    []string // build tags, those of GOFLAGS too
	GODEBUG string   // its default: of //go:debug lines and the godebug lines of go.mod
	Libs    []string // shared libraries it names (DT_NEEDED); a dynamic loader without any is listed by itself
	Linked  string   // "static", "static-pie", "dynamic" or "pie"

	ws *Workspace
}

// Build runs go build for the main package pkg: a folder (it begins with "." or "/", or is one), of this module or
// another, or an import path that the module of the current folder can resolve. The executable is removed with the
// workspace.
//
// The errors: [*ImpossibleError] where the variant cannot be built, with the reason; [*BuildError] with the go
// command's output where it failed; ctx's cause where that was cancelled.
func (w *Workspace) Build(ctx context.Context, pkg string, v Variant) (*Program, error) {
	if err := v.Check(); err != nil {
		return nil, err
	}
	dir, err := w.newDir()
	if err != nil {
		return nil, err
	}
	b, err := newBuilder(w, dir, pkg, v)
	if err != nil {
		return nil, err
	}
	if err := b.prepare(ctx); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, programName(b.info.ImportPath))
	linked := filepath.Join(dir, "linked") // a folder: the program keeps its name, whatever that is
	if err := os.Mkdir(linked, 0o755); err != nil {
		return nil, err
	}
	linked = filepath.Join(linked, filepath.Base(path))
	args := []string{"build", "-o", linked, "-buildvcs=false"}
	if v.LDFlags != "" {
		args = append(args, "-ldflags="+v.LDFlags)
	}
	if v.BuildMode != "" {
		args = append(args, "-buildmode="+v.BuildMode)
	}
	if _, err := b.goCommand(ctx, append(append(args, b.flags...), b.target)...); err != nil {
		return nil, b.explain(err)
	}
	if err := copyProgram(path, linked); err != nil {
		return nil, err
	}
	p := &Program{Package: b.info.ImportPath, Variant: v, Path: path, Net: slices.Contains(b.info.Deps, "net"), ws: w}
	return p, p.inspect()
}

// copyProgram copies an executable and removes the old one. How much of a file's page cache a page
// fault maps depends on how the pages came there: of what the C compiler's linker has just written
// a third more becomes resident than of what Go's has. A copy is written one way, whoever linked
// it, so that the rows compare programs and not linkers.
func copyProgram(to, from string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(struct{ io.Writer }{out}, in) // no copy_file_range: it may copy by reference
	return errors.Join(err, out.Close(), os.Remove(from))
}

// programName is the last part of an import path that is no version.
func programName(importPath string) string {
	name := filepath.Base(importPath)
	if dir := filepath.Dir(importPath); len(name) > 1 && name[0] == 'v' && strings.Trim(name[1:], "0123456789") == "" &&
		dir != "." {
		name = filepath.Base(dir)
	}
	return name
}

// A BuildError is a failure of the go command.
type BuildError struct {
	Package string
	Variant string
	Command string // as typed in a shell
	Output  string // what the go command printed
	Err     error
}

func (e *BuildError) Error() string {
	return strings.TrimRight(fmt.Sprintf("variant %s: %s: %s\n%s", e.Variant, e.Command, e.cause(), e.Output), "\n")
}

// cause is what a line of a table can say: the first line of the output that tells more than that
// something failed. The go command puts the package in front of it, and Go's linker the command of
// the C compiler.
func (e *BuildError) cause() string {
	lines := strings.Split(e.Output, "\n")
	for i := 0; i < len(lines); i++ {
		switch line := strings.TrimSpace(lines[i]); {
		case line == "" || line[0] == '#':
		case linkerRan.MatchString(line):
			i++ // the command
		default:
			return line
		}
	}
	return e.Err.Error()
}

// linkerRan is how Go's linker reports that the C compiler failed.
var linkerRan = regexp.MustCompile(`: running \S+ failed: exit status \d+$`)

func (e *BuildError) Unwrap() error { return e.Err }

// builder runs the go command for one build.
type builder struct {
	ws      *Workspace
	temp    string // folder for what it writes
	pkg     string // as the caller has it
	variant Variant
	dir     string   // where the go command runs
	target  string   // the package, for the go command
	env     []string // of the go command
	flags   []string // of go list and go build
	info    packageInfo

	cgo        bool   // go env CGO_ENABLED
	noCompiler string // why there is no C compiler; "" where there is one
}

// packageInfo is what go list tells of a package.
type packageInfo struct {
	Name, ImportPath, Dir             string
	GoFiles, CgoFiles, IgnoredGoFiles []string
	Deps                              []string
	Module                            *struct{ Path, Version, Dir string }
	Error                             *struct{ Err string }
	DepsErrors                        []struct {
		ImportStack []string
		Err         string
	}
}

func newBuilder(w *Workspace, temp, pkg string, v Variant) (*builder, error) {
	b := &builder{ws: w, temp: temp, pkg: pkg, variant: v, target: pkg}
	if pkg == "" || strings.HasPrefix(pkg, "-") || strings.Contains(pkg, "...") || strings.HasSuffix(pkg, ".go") {
		return nil, fmt.Errorf("package %q: expected one main package, by its folder or import path", pkg)
	}
	if info, err := os.Stat(pkg); err == nil && info.IsDir() {
		b.dir, b.target = pkg, "." // go build takes folders of its own module only
	} else if strings.HasPrefix(pkg, ".") || strings.HasPrefix(pkg, "/") {
		return nil, fmt.Errorf("package %q: there is no such folder", pkg)
	}
	if len(v.Tags) > 0 {
		b.flags = append(b.flags, "-tags="+strings.Join(v.Tags, ","))
	}
	b.env = append(os.Environ(), "GOTMPDIR="+temp, "TMPDIR="+temp) // so that what a killed go build leaves is removed
	switch v.Cgo {
	case CgoOn:
		b.env = append(b.env, "CGO_ENABLED=1")
	case CgoOff:
		b.env = append(b.env, "CGO_ENABLED=0")
	}
	if v.CC != "" {
		b.env = append(b.env, "CC="+v.CC)
	}
	b.env = append(b.env, v.Env...)
	return b, nil
}

// goCommand runs the go command and returns what it prints on standard output.
func (b *builder) goCommand(ctx context.Context, args ...string) ([]byte, error) {
	cmd := b.ws.command(ctx, "go", args...)
	cmd.Dir, cmd.Env = b.dir, b.env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := b.ws.run(ctx, cmd)
	if err == nil || ctx.Err() != nil {
		return stdout.Bytes(), err
	}
	return nil, b.failed(args, stderr.String(), err)
}

func (b *builder) failed(args []string, output string, err error) error {
	return &BuildError{
		Package: b.pkg, Variant: b.variant.Name, Command: shellCommand(b.variant, args), Output: output, Err: err,
	}
}

// shellCommand is the go command as one types it to see the same failure.
func shellCommand(v Variant, args []string) string {
	words := slices.Clone(v.Env)
	if v.Cgo != CgoDefault {
		words = append(words, map[Cgo]string{CgoOn: "CGO_ENABLED=1", CgoOff: "CGO_ENABLED=0"}[v.Cgo])
	}
	if v.CC != "" {
		words = append(words, "CC="+v.CC)
	}
	words = append(append(words, "go"), args...)
	for i, word := range words {
		if strings.ContainsAny(word, " \t\n'\"$`\\*?&|;<>()") {
			words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

// list asks the go command about packages.
func (b *builder) list(ctx context.Context, pkg string) ([]packageInfo, error) {
	const fields = "-json=Name,ImportPath,Dir,GoFiles,CgoFiles,IgnoredGoFiles,Deps,Module,Error,DepsErrors"
	args := append([]string{"list", "-e", fields}, b.flags...)
	out, err := b.goCommand(ctx, append(args, pkg)...)
	if err != nil {
		return nil, err
	}
	var all []packageInfo
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var p packageInfo
		if err := d.Decode(&p); err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		all = append(all, p)
	}
	return all, nil
}

// inspect reads the built executable.
func (p *Program) inspect() error {
	stat, err := os.Stat(p.Path)
	if err != nil {
		return err
	}
	p.Bytes = stat.Size()
	info, err := buildinfo.ReadFile(p.Path)
	if err != nil {
		return fmt.Errorf("%s: %w", p.Path, err)
	}
	p.Go = info.GoVersion
	for _, s := range info.Settings {
		switch s.Key {
		case "CGO_ENABLED":
			p.Cgo = s.Value == "1"
		case "-tags":
			p.Tags = strings.Split(s.Value, ",")
		case "DefaultGODEBUG":
			p.GODEBUG = s.Value
		}
	}
	f, err := elf.Open(p.Path)
	if err != nil {
		return fmt.Errorf("%s: %w: only Linux programs can be measured", p.Path, err)
	}
	defer f.Close()
	p.Linked, p.Libs, err = linkage(f)
	if err != nil {
		return fmt.Errorf("%s: %w", p.Path, err)
	}
	p.LinksC, err = linksC(f)
	return err
}

// linksC tells whether runtime/cgo is in a Go executable, by the names of its functions, which stripping leaves. Before
// Go 1.26 a position-independent one has them in .data.rel.ro, where C's linker has put its sections together.
func linksC(f *elf.File) (bool, error) {
	found := false
	for _, s := range f.Sections {
		if !strings.HasSuffix(s.Name, ".gopclntab") && s.Name != ".data.rel.ro" {
			continue
		}
		table, err := s.Data()
		if err != nil || bytes.Contains(table, []byte("runtime/cgo.")) {
			return err == nil, err
		}
		found = true
	}
	if !found {
		return false, errors.New("it has no .gopclntab: it is no Go program")
	}
	return false, nil
}
