// Package pack makes of this repository's modules what a module proxy has of them: zips, and their
// checksums. The files are those of the work tree that git knows or would take.
package pack

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/zip"
)

// Root is the path of the module at the root; the paths of the others begin with it and end with their directories.
const Root = "github.com/gocmem/cmem"

// A Module is one of the repository's.
type Module struct {
	Path     string
	Dir      string           // from the root, with slashes; "." is the root itself
	Requires []module.Version // of the repository's modules

	root  string
	files []zip.File
}

// Modules returns the repository's modules, each after those that it requires. Modules in testdata are none.
func Modules(root string) ([]*Module, error) {
	names, err := Files(root)
	if err != nil {
		return nil, err
	}
	var found []*Module
	for _, name := range names {
		if path.Base(name) != "go.mod" || strings.Contains(name, "testdata/") {
			continue
		}
		m, err := read(root, path.Dir(name), names)
		if err != nil {
			return nil, err
		}
		found = append(found, m)
	}
	return inOrder(found)
}

// Files returns the names, from the root, of what git has or would take of the work tree.
func Files(root string) ([]string, error) {
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files in %s: %w", root, err)
	}
	names := strings.Split(strings.Trim(string(out), "\x00"), "\x00")
	names = slices.DeleteFunc(names, func(name string) bool {
		_, err := os.Lstat(filepath.Join(root, name))
		return os.IsNotExist(err) // deleted, and git was not told
	})
	slices.Sort(names)
	return slices.Compact(names), nil
}

func read(root, dir string, names []string) (*Module, error) {
	m := &Module{Dir: dir, root: root}
	name := m.file("go.mod")
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	mod, err := modfile.Parse(name, data, nil)
	if err != nil {
		return nil, err
	}
	m.Path = path.Join(Root, dir)
	if mod.Module == nil || mod.Module.Mod.Path != m.Path {
		return nil, fmt.Errorf("%s: expected module %s, which goes with its directory", name, m.Path)
	}
	for _, r := range mod.Require {
		if Sibling(r.Mod.Path) {
			m.Requires = append(m.Requires, r.Mod)
		}
	}
	for _, name := range names {
		if rest, ok := strings.CutPrefix(name, dir+"/"); ok || dir == "." {
			m.files = append(m.files, file{rest, filepath.Join(root, name)})
		}
	}
	if !slices.Contains(names, path.Join(dir, "LICENSE")) { // go does so, too
		m.files = append(m.files, file{"LICENSE", filepath.Join(root, "LICENSE")})
	}
	return m, nil
}

// Sibling tells whether a module is of this repository, by what begins with its path.
func Sibling(text string) bool {
	rest, ok := strings.CutPrefix(text, Root)
	return ok && (rest == "" || rest[0] == '/' || rest[0] == ' ')
}

// inOrder puts each module after those that it requires.
func inOrder(modules []*Module) ([]*Module, error) {
	var done []*Module
	ready := func(m *Module) bool {
		return !slices.ContainsFunc(m.Requires, func(r module.Version) bool {
			return !slices.ContainsFunc(done, func(d *Module) bool { return d.Path == r.Path })
		})
	}
	for len(modules) > 0 {
		i := slices.IndexFunc(modules, ready)
		if i < 0 {
			return nil, fmt.Errorf("module %s requires %v: expected modules of this repository, and no circle", modules[0].Path,
				modules[0].Requires)
		}
		done = append(done, modules[i])
		modules = slices.Delete(modules, i, i+1)
	}
	return done, nil
}

// file is a file of a module.
type file struct{ name, from string }

func (f file) Path() string                 { return f.name }
func (f file) Lstat() (os.FileInfo, error)  { return os.Lstat(f.from) }
func (f file) Open() (io.ReadCloser, error) { return os.Open(f.from) }

func (m *Module) file(name string) string { return filepath.Join(m.root, m.Dir, name) }

// Write adds the module at a version to a directory that is laid out as GOPROXY=file://DIRECTORY
// wants it, and returns the two lines that it has in a go.sum.
func (m *Module) Write(proxy, version string) (sums []string, err error) {
	escaped, err := module.EscapePath(m.Path)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(proxy, escaped, "@v")
	mod, err := os.ReadFile(m.file("go.mod"))
	if err != nil {
		return nil, err
	}
	var archive bytes.Buffer
	if err := zip.Create(&archive, module.Version{Path: m.Path, Version: version}, m.files); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	for name, data := range map[string][]byte{
		"list": []byte(version + "\n"), version + ".info": fmt.Appendf(nil, `{"Version":%q}`, version),
		version + ".mod": mod, version + ".zip": archive.Bytes(),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			return nil, err
		}
	}
	return m.sums(version, mod, filepath.Join(dir, version+".zip"))
}

func (m *Module) sums(version string, mod []byte, archive string) ([]string, error) {
	ofZip, err := dirhash.HashZip(archive, dirhash.DefaultHash)
	if err != nil {
		return nil, err
	}
	ofMod, err := dirhash.DefaultHash([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(mod)), nil
	})
	return []string{m.Path + " " + version + " " + ofZip, m.Path + " " + version + "/go.mod " + ofMod}, err
}

// Sum puts the lines of the modules that m requires, of all that were written, into its go.sum, in
// place of those of other versions.
func (m *Module) Sum(written map[string][]string) error {
	if len(m.Requires) == 0 {
		return nil
	}
	data, err := os.ReadFile(m.file("go.sum"))
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	lines := slices.DeleteFunc(strings.Split(string(data), "\n"), Sibling)
	for _, r := range m.Requires {
		lines = append(lines, written[r.Path]...)
	}
	var order []module.Version
	hashes := make(map[module.Version]string)
	for _, line := range lines {
		if f := strings.Fields(line); len(f) == 3 {
			key := module.Version{Path: f[0], Version: f[1]}
			order, hashes[key] = append(order, key), f[2]
		}
	}
	module.Sort(order)
	var text strings.Builder
	for _, key := range slices.Compact(order) {
		fmt.Fprintln(&text, key.Path, key.Version, hashes[key])
	}
	return os.WriteFile(m.file("go.sum"), []byte(text.String()), 0o666)
}
