// Command release prepares a release: make release VERSION=vX.Y.Z. In one commit it has the modules
// require each other at that version, with checksums in their go.sum files, and it tags the commit
// for each module. It pushes nothing and prints what to.
//
// One commit is enough, as the zip of a module has nothing of the modules below its directory: what
// the root's holds, whose checksum the others have in their go.sum, is known before they are.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/gocmem/cmem/tests/release/pack"
)

func main() {
	version := strings.Join(os.Args[1:], " ")
	root, err := git(".", "rev-parse", "--show-toplevel")
	if err == nil {
		err = release(root, version)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func release(root, version string) error {
	modules, err := pack.Modules(root)
	if err != nil {
		return err
	}
	tags := tagsOf(modules, version)
	if err := check(root, version, tags); err != nil {
		return err
	}
	if err := write(root, version); err != nil {
		return fmt.Errorf("%w (git restore . undoes what was written)", err)
	}
	if err := commit(root, version, tags); err != nil {
		return err
	}
	fmt.Printf("%s is prepared: a commit and %d tags. Nobody sees them yet, and git tag -d and git reset undo them.\n"+
		"What is pushed is final, for the module proxy keeps what it has seen:\n\n    git push --atomic origin HEAD %s\n",
		version, len(tags), strings.Join(tags, " "))
	return nil
}

// tagsOf returns the tags that the go command looks for: of a module in a directory, DIRECTORY/VERSION.
func tagsOf(modules []*pack.Module, version string) []string {
	var tags []string
	for _, m := range modules {
		tags = append(tags, path.Join(m.Dir, version))
	}
	return tags
}

// check refuses what is not to be released.
func check(root, version string, tags []string) error {
	inHeader, err := headerVersion(root)
	if err != nil {
		return err
	}
	if version != "v"+inHeader {
		return fmt.Errorf("version %q: expected v%s, which c/cmem.h has: make release VERSION=v%[2]s", version, inHeader)
	}
	changed, err := git(root, "status", "--porcelain")
	if err != nil {
		return err
	}
	if changed != "" {
		return fmt.Errorf("the work tree is not as committed; expected git status to show nothing:\n%s", changed)
	}
	there, err := git(root, "tag", "--list")
	if err != nil {
		return err
	}
	for _, tag := range tags {
		if slices.Contains(strings.Fields(there), tag) {
			return fmt.Errorf("tag %s is there already; expected a version that is not released", tag)
		}
	}
	return nil
}

var defined = regexp.MustCompile(`(?m)^#define CMEM_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)$`)

// headerVersion returns the version in c/cmem.h, the only place that has it.
func headerVersion(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, "c/cmem.h"))
	if err != nil {
		return "", err
	}
	var numbers []string
	for _, m := range defined.FindAllStringSubmatch(string(text), -1) {
		numbers = append(numbers, m[1])
	}
	if len(numbers) != 3 {
		return "", fmt.Errorf("c/cmem.h defines %d of CMEM_VERSION_MAJOR, _MINOR and _PATCH; expected all three",
			len(numbers))
	}
	return strings.Join(numbers, "."), nil
}

// required is a module of this repository with its version, in a go.mod or go.work.
var required = regexp.MustCompile(`(?m)^((?:\t|require |replace )` + regexp.QuoteMeta(pack.Root) + `(?:/\S+)?) v\S+`)

// write has the modules require each other at the version, and then adds the checksums.
func write(root, version string) error {
	names, err := git(root, "ls-files", "*go.mod", "*go.work")
	if err != nil {
		return err
	}
	for _, name := range strings.Fields(names) {
		name = filepath.Join(root, name)
		old, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(name, required.ReplaceAll(old, []byte("${1} "+version)), 0o666); err != nil {
			return err
		}
	}
	modules, err := pack.Modules(root)
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "cmem-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	written := make(map[string][]string)
	for _, m := range modules {
		if err := m.Sum(written); err != nil {
			return err
		}
		if written[m.Path], err = m.Write(temp, version); err != nil {
			return err
		}
	}
	return nil
}

// commit commits what was written and tags it.
func commit(root, version string, tags []string) error {
	if _, err := git(root, "commit", "--quiet", "--all", "--allow-empty", "-m",
		version+": the modules require each other at it, with checksums"); err != nil {
		return err
	}
	for _, tag := range tags {
		if _, err := git(root, "tag", "-a", "-m", "cmem "+version, tag); err != nil {
			return err
		}
	}
	return nil
}

// git returns what it prints.
func git(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		err = fmt.Errorf("%w\n%s", err, failed.Stderr)
	}
	if err != nil {
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return strings.TrimRight(string(out), "\n"), nil
}
