package vsz

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A fixture is what was read of a real process, but for its memory: testdata/NAME.smaps and NAME.json.
type fixture struct {
	Exe    string
	Go     string
	Bits32 bool `json:",omitempty"`
	Stack  uint64
	SPs    []uint64
	Libs   map[string]bool
	Zeroed []fixtureZeroed
}

type fixtureZeroed struct {
	Path       string
	Start, End uint64
}

var record = flag.String("record", "", "NAME=PID: write the process to testdata/NAME, and test nothing")

// recordFixture writes a fixture.
func recordFixture(nameAndPID string) error {
	name, text, _ := strings.Cut(nameAndPID, "=")
	pid, err := strconv.Atoi(text)
	if err != nil {
		return err
	}
	p, err := readProcess(pid)
	if err != nil {
		return err
	}
	// Where the program lies here is no one's business.
	exe := "/srv/" + name
	f := fixture{Exe: exe, Go: p.goVersion, Bits32: p.bits32, Stack: p.stack, SPs: p.sps, Libs: p.libs}
	delete(f.Libs, p.exe)
	for _, z := range p.zeroed {
		if z.path == p.exe {
			z.path = exe
		}
		f.Zeroed = append(f.Zeroed, fixtureZeroed{z.path, z.start, z.end})
	}
	var smaps bytes.Buffer
	for _, v := range p.vmas {
		if v.path == p.exe {
			v.path = exe
		}
		fmt.Fprintf(&smaps, "%x-%x %s %08x %s %d %s\nRss: %d kB\nVmFlags: %s\n",
			v.start, v.end, v.perms, v.offset, v.dev, v.inode, v.path, v.rssKiB, v.flags)
	}
	data, err := json.MarshalIndent(f, "", "\t")
	if err != nil {
		return err
	}
	for ext, content := range map[string][]byte{".json": append(data, '\n'), ".smaps": smaps.Bytes()} {
		if err := os.WriteFile(filepath.Join("testdata", name+ext), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// load reads a fixture as the process that it was.
func load(t *testing.T, name string) *process {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var f fixture
	if err := json.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	smaps, err := os.Open(filepath.Join("testdata", name+".smaps"))
	if err != nil {
		t.Fatal(err)
	}
	defer smaps.Close()
	p := &process{exe: f.Exe, goVersion: f.Go, bits32: f.Bits32, stack: f.Stack, sps: f.SPs, libs: f.Libs}
	if p.vmas, err = parseSmaps(smaps); err != nil {
		t.Fatal(err)
	}
	for _, z := range f.Zeroed {
		p.zeroed = append(p.zeroed, zeroed{z.Path, span{z.Start, z.End}})
	}
	for _, v := range p.vmas {
		p.usage.VSZKiB += v.kib()
		p.usage.RSSKiB += v.rssKiB
	}
	return p
}
