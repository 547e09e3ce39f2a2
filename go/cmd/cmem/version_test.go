package main

import (
	"encoding/json"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/gocmem/cmem/cmem"
)

func TestVersion(t *testing.T) {
	out := run(t, "version")
	want := regexp.MustCompile(`^cmem +\S+\nlibcmem +(none|\d+\.\d+\.\d+)\nGo +go\S+.* ` + runtime.GOOS + "/" +
		runtime.GOARCH + `\nfast path +(asm|pinned|go)\n$`)
	if !want.MatchString(out) {
		t.Errorf("cmem version printed:\n%s\nwant a match of %s", out, want)
	}
}

func TestVersionJSON(t *testing.T) {
	var v versions
	if err := json.Unmarshal([]byte(run(t, "version", "--json")), &v); err != nil {
		t.Fatal(err)
	}
	var s cmem.Stats
	cmem.ReadStats(&s)
	if v.FastPath != s.FastPath || !strings.HasPrefix(v.Go, runtime.Version()) || v.Cmem == "" || v.Libcmem == "" {
		t.Errorf("cmem version --json: %+v, want the fast path %q and %s", v, s.FastPath, runtime.Version())
	}
}
