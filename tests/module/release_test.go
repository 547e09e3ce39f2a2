//go:build !race && !asan && !goexperiment.cgocheck2

package module

import (
	"errors"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gocmem/cmem/tests/release/pack"
)

// A clone is a repository with this one's work tree as its only commit, and the command that releases it.
type clone struct {
	*module
	command string
}

func newClone(t *testing.T) *clone {
	t.Helper()
	c := &clone{newModule(t), filepath.Join(t.TempDir(), "release")}
	if out, err := exec.Command("go", "build", "-o", c.command, "../release").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	names, err := pack.Files(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		copyFile(t, filepath.Join(c.dir, name), filepath.Join(root, name))
	}
	c.set("GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=x", "GIT_AUTHOR_EMAIL=x@example.com",
		"GIT_COMMITTER_NAME=x", "GIT_COMMITTER_EMAIL=x@example.com",
		// Whoever looks for the repository where it is published finds this one.
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url.file://"+c.dir+".insteadOf",
		"GIT_CONFIG_VALUE_0=https://github.com/gocmem/cmem")
	c.run("git", "init", "--quiet")
	c.commit()
	return c
}

func copyFile(t *testing.T, to, from string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(from)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(from)
	if err = errors.Join(err, os.WriteFile(to, text, info.Mode().Perm())); err != nil {
		t.Fatal(err)
	}
}

func (c *clone) commit() {
	c.t.Helper()
	c.run("git", "add", "--all")
	c.run("git", "commit", "--quiet", "--message", "as it is")
}

// refuses wants the command to fail with a message, and to leave the repository as it is.
func (c *clone) refuses(version, want string) {
	c.t.Helper()
	state := func() string {
		return c.run("git", "rev-parse", "HEAD") + c.run("git", "status", "--porcelain") + c.run("git", "tag")
	}
	before := state()
	cmd := exec.Command(c.command, version)
	cmd.Dir, cmd.Env = c.dir, c.env
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), want) {
		c.t.Errorf("release %s: %v, and it printed %q; want %q", version, err, out, want)
	}
	if after := state(); after != before {
		c.t.Errorf("release %s failed, and left\n%s\nof\n%s", version, after, before)
	}
}

// TestRelease releases a version that the modules do not require yet, and gets it by its tags, as
// the module proxy does: the checksums that were written are to be those of what go makes of the
// tags.
func TestRelease(t *testing.T) {
	needCgo(t)
	const version = "v0.99.7"
	c := newClone(t)
	c.refuses(version, "which c/cmem.h has")
	header, err := os.ReadFile(filepath.Join(c.dir, "c/cmem.h"))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range [][2]string{{"MAJOR", "0"}, {"MINOR", "99"}, {"PATCH", "7"}} {
		header = regexp.MustCompile(`(CMEM_VERSION_`+part[0]+`) \d+`).ReplaceAll(header, []byte("$1 "+part[1]))
	}
	c.write("c/cmem.h", string(header))
	c.refuses(version, "not as committed")
	c.commit()
	out := c.run(c.command, version)
	c.refuses(version, "tag "+version+" is there already")

	modules, err := pack.Modules(c.dir)
	if err != nil {
		t.Fatal(err)
	}
	var tags []string
	for _, m := range modules {
		tags = append(tags, path.Join(m.Dir, version))
		for _, r := range m.Requires {
			if r.Version != version {
				t.Errorf("%s requires %s, want it at %s", m.Path, r, version)
			}
		}
	}
	if want := "git push --atomic origin HEAD " + strings.Join(tags, " "); !strings.Contains(out, want) {
		t.Errorf("it printed\n%s\nwant %q", out, want)
	}
	slices.Sort(tags)
	if got := strings.Fields(c.run("git", "tag", "--points-at", "HEAD")); !slices.Equal(got, tags) {
		t.Errorf("the commit has the tags %q, want %q", got, tags)
	}

	c.set("GOPRIVATE=github.com/gocmem", "GOPROXY="+others(t))
	for _, m := range modules {
		get := []string{m.Dir, "go", "mod", "download"}
		for _, r := range m.Requires {
			get = append(get, r.Path)
		}
		if len(m.Requires) > 0 {
			c.run("tests/scripts/in-module.sh", get...)
		}
		c.run("tests/scripts/in-module.sh", m.Dir, "go", "mod", "download", m.Path+"@"+version)
	}
	if changed := c.run("git", "status", "--porcelain"); changed != "" {
		t.Errorf("the release leaves checksums to be added: %s", changed)
	}
	c.run("go", "-C", "go", "list", "-deps", "./...") // which wants all checksums that a build does
}
