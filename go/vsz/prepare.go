package vsz

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/gocmem/cmem/go/vsz/internal/overlay"
)

// prepare looks at the package before it is built: what the go command would only say in riddles is said here. It adds
// the files of cmem/lean and of the load.
func (b *builder) prepare(ctx context.Context) error {
	if err := b.checkCompiler(ctx); err != nil {
		return err
	}
	found, err := b.list(ctx, b.target)
	if err != nil {
		return err
	}
	if len(found) != 1 {
		return fmt.Errorf("package %q: it is %d packages; expected one", b.pkg, len(found))
	}
	b.info = found[0]
	if err := b.checkPackage(); err != nil {
		return err
	}
	return b.addFiles(ctx)
}

// checkCompiler refuses a variant that needs a C compiler where there is none.
func (b *builder) checkCompiler(ctx context.Context) error {
	out, err := b.goCommand(ctx, "env", "CC", "CGO_ENABLED")
	if err != nil {
		return err
	}
	cc, enabled, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	b.cgo, b.noCompiler = enabled == "1", missing(cc)
	v := b.variant
	switch {
	case v.Cgo != CgoOn && !v.Lean && !v.Load.needsCgo():
	case b.noCompiler != "":
		return v.impossible(b.noCompiler)
	case !b.cgo:
		return v.impossible("it needs cgo, and go env CGO_ENABLED is " + enabled)
	}
	return nil
}

// missing says why there is no C compiler, and which variants need one; "" where there is one.
func missing(cc string) string {
	const who = "; all variants of a program that links C need one, but for nocgo"
	command := strings.Fields(cc)
	if len(command) == 0 {
		return "it needs a C compiler, and go env CC names none" + who
	}
	if _, err := exec.LookPath(command[0]); err != nil {
		return fmt.Sprintf("it needs a C compiler, and there is no %q (%v): install it, or name another in CC%s", command[0],
			err, who)
	}
	return ""
}

// checkPackage refuses what is no main package, and one that is not there without cgo.
func (b *builder) checkPackage() error {
	p := &b.info
	if files := b.cFiles(p); len(files) > 0 && len(p.GoFiles)+len(p.CgoFiles) == 0 {
		return b.withoutCgo(fmt.Sprintf("package %s imports \"C\" (%s), so it cannot be built without cgo", p.ImportPath,
			strings.Join(files, ", ")))
	}
	switch {
	case p.Error != nil:
		return b.failed([]string{"list", b.pkg}, p.Error.Err, errors.New("there is no such package"))
	case p.Name != "main":
		return fmt.Errorf("package %s is a library (package %s): expected a main package", p.ImportPath, p.Name)
	}
	for _, e := range p.DepsErrors {
		if n := len(e.ImportStack); n > 0 && strings.Contains(e.Err, "build constraints exclude all Go files") {
			return b.withoutCgo(fmt.Sprintf("it imports %s, of which this build leaves out all files: %s", e.ImportStack[n-1],
				e.Err))
		}
	}
	if b.cgo && b.noCompiler != "" && slices.Contains(p.Deps, "runtime/cgo") {
		return b.variant.impossible(b.noCompiler)
	}
	return nil
}

// withoutCgo refuses a build for want of cgo. The go command does without cgo by itself where there is no C compiler.
func (b *builder) withoutCgo(reason string) error {
	if b.variant.Cgo == CgoDefault && !b.cgo && b.noCompiler != "" {
		reason += ": " + b.noCompiler
	}
	return b.variant.impossible(reason)
}

// cFiles returns the package's Go files that import "C" and are left out of this build.
func (b *builder) cFiles(p *packageInfo) []string {
	var files []string
	for _, name := range p.IgnoredGoFiles {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.ImportsOnly)
		if err != nil {
			continue // the go command will say so, if it matters
		}
		for _, spec := range f.Imports {
			if spec.Path.Value == `"C"` {
				files = append(files, name)
			}
		}
	}
	return files
}

// explain explains the failure of a build: of one that leaves out files with C, and of Go's own
// linker. Tables have the first line, which must make sense alone; what the tools printed comes
// below it.
func (b *builder) explain(err error) error {
	var failed *BuildError
	if !errors.As(err, &failed) {
		return err
	}
	if files := b.cFiles(&b.info); b.variant.Cgo == CgoOff && len(files) > 0 {
		return b.variant.impossible(fmt.Sprintf("%s of package %s imports \"C\", and is not there without cgo; the rest "+
			"does not build\n%s",
			strings.Join(files, ", "), b.info.ImportPath, failed.Output))
	}
	if m := threadLocal.FindStringSubmatch(failed.Output); m != nil {
		return b.variant.impossible(fmt.Sprintf("Go's own linker knows no thread-local variables of C, such as %s of %s; "+
			"without -linkmode=internal the C compiler's linker is taken\n%s", m[2], m[1], failed.Output))
	}
	return err
}

// threadLocal is what Go's own linker says of a thread-local variable of a C object: a symbol of type 6, STT_TLS.
var threadLocal = regexp.MustCompile(`malformed elf file: ([^\s(]+)\(.*: ` +
	`reloc of invalid sym #\d+ (\S+) shndx=\d+ type=6`)

// addFiles adds files to the main package by an overlay.
func (b *builder) addFiles(ctx context.Context) error {
	files := make(map[string]string)
	if b.variant.Lean {
		addAll(files, overlay.Lean())
	}
	if l := b.variant.Load; l != (Load{}) {
		if err := b.checkCmem(ctx); err != nil {
			return err
		}
		addAll(files, overlay.Threads(overlayLoads[l.Kind], l.N))
	}
	if len(files) == 0 {
		return nil
	}
	if err := b.leaveModuleCache(ctx); err != nil {
		return err
	}
	replace := make(map[string]string)
	for name, text := range files {
		file := filepath.Join(b.temp, name)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return err
		}
		replace[filepath.Join(b.info.Dir, name)] = file
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return err
	}
	name := filepath.Join(b.temp, "overlay.json")
	b.flags = append(b.flags, "-overlay="+name)
	return os.WriteFile(name, list, 0o644)
}

func addAll(to, from map[string]string) {
	for name, text := range from {
		to[name] = text
	}
}

var overlayLoads = map[LoadKind]overlay.Load{
	CgoThreads: overlay.BlockInC, MallocThreads: overlay.HoldMalloc, CmemThreads: overlay.HoldCmem,
	GoThreads: overlay.BlockInGo,
}

// cmemPackage is what the threads of CmemThreads import.
const cmemPackage = "github.com/gocmem/cmem/cmem"

// checkCmem refuses a load of cmem in a module that has no cmem.
func (b *builder) checkCmem(ctx context.Context) error {
	if b.variant.Load.Kind != CmemThreads {
		return nil
	}
	found, err := b.list(ctx, cmemPackage)
	if err != nil {
		return err
	}
	for _, p := range found {
		if p.Error != nil {
			return b.variant.impossible(fmt.Sprintf("%s imports %s, which the program's module does not have: %s", CmemThreads,
				cmemPackage, p.Error.Err))
		}
	}
	return nil
}

// leaveModuleCache has a package of the module cache built from a copy of its module: the go command takes no overlay
// for the cache's files.
func (b *builder) leaveModuleCache(ctx context.Context) error {
	out, err := b.goCommand(ctx, "env", "GOMODCACHE", "GOMOD")
	if err != nil {
		return err
	}
	cache, goMod, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	module := b.info.Module
	if module == nil || !strings.HasPrefix(b.info.Dir, cache+string(filepath.Separator)) {
		return nil
	}
	source := filepath.Join(b.temp, "module")
	if err := os.CopyFS(source, os.DirFS(module.Dir)); err != nil {
		return err
	}
	own := filepath.Join(b.temp, "go.mod")
	if err := copyModFiles(goMod, own); err != nil {
		return err
	}
	if _, err := b.goCommand(ctx, "mod", "edit", "-replace="+module.Path+"="+source, own); err != nil {
		return err
	}
	b.flags = append(b.flags, "-modfile="+own, "-mod=mod")
	b.env = append(b.env, "GOWORK=off") // a workspace takes no -modfile
	inside, err := filepath.Rel(module.Dir, b.info.Dir)
	b.info.Dir = filepath.Join(source, inside)
	return err
}

// copyModFiles copies a go.mod and the go.sum beside it, which need not be there.
func copyModFiles(from, to string) error {
	for _, ext := range []string{".mod", ".sum"} {
		data, err := os.ReadFile(strings.TrimSuffix(from, ".mod") + ext)
		if err != nil {
			if ext == ".sum" && os.IsNotExist(err) {
				continue
			}
			return err
		}
		if err := os.WriteFile(strings.TrimSuffix(to, ".mod")+ext, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
