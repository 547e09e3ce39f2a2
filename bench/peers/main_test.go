package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMain makes the test binary the child, as main does the program.
func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(status(childMain(os.Stdin, os.Stdout), os.Stderr))
	}
	os.Exit(m.Run())
}

// TestRun measures everything for no time to speak of, and reads what comes out.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "peers.json")
	var stdout, stderr strings.Builder
	args := []string{"-rounds", "2", "-time", "10us", "-silence", "1ms", "-json", file, "-svg", dir}
	if status := run(args, &stdout, &stderr); status != 0 {
		t.Fatalf("exit status %d: %s", status, stderr.String())
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var rep report
	if err := json.Unmarshal(text, &rep); err != nil {
		t.Fatal(err)
	}
	checkReport(t, &rep)
	var again strings.Builder
	if err := rep.print(&again); err != nil || again.String() != stdout.String() {
		t.Errorf("the tables of what was read (%v):\n%s\nof what was measured:\n%s", err, &again, &stdout)
	}
	svg, err := os.ReadFile(filepath.Join(dir, "bench-go.svg"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"pair, 8 goroutines", "hand-off", "mcache", "</svg>"} {
		if !strings.Contains(string(svg), want) {
			t.Errorf("the picture lacks %q", want)
		}
	}
}

// checkReport looks for every case and every peer that takes part in it, and for figures that can be true.
func checkReport(t *testing.T, rep *report) {
	t.Helper()
	var cases []workCase
	for _, w := range workloads {
		cases = append(cases, w.cases...)
	}
	if len(rep.Results) != len(cases) {
		t.Fatalf("%d results, want %d", len(rep.Results), len(cases))
	}
	for i, res := range rep.Results {
		if res.workCase != cases[i] || res.Entries[0].Peer != ours {
			t.Errorf("result %d is of %v and begins with %s, want %v and cmem", i, res.workCase, res.Entries[0].Peer, cases[i])
		}
		for _, info := range rep.Peers {
			p, err := findPeer(info.Name)
			if err != nil {
				t.Fatal(err)
			}
			e := res.entry(info.Name)
			if took := e != nil; took != (cases[i].opener(p) != nil) {
				t.Errorf("%v: %s has an entry: %v", cases[i], info.Name, took)
			}
			if e != nil && (len(e.Rounds) != rep.Rounds || !(e.Ns > 0 && e.Ns < 1e10) || !(e.Allocs >= 0 && e.Allocs < 1e5) ||
				e.ToFastest <= 0) {
				t.Errorf("%v: %s: %+v", cases[i], info.Name, e)
			}
			if info.Module != "" && info.Version == "" {
				t.Errorf("%s: the version of %s is not known", info.Name, info.Module)
			}
		}
	}
	for _, r := range rep.Rests {
		if r.Start <= 0 || r.Peak < r.Start || r.After <= 0 {
			t.Errorf("%+v", r)
		}
	}
	if len(rep.Rests) == 0 {
		t.Error("no process was looked at when it had rested")
	}
}

// TestPreload runs the peers that preload a library: each is measured, with a control, or a note says why it is not.
func TestPreload(t *testing.T) {
	cfg, err := parse(strings.Fields("-only pair -rounds 1 -time 10us -peers jemalloc,mimalloc,tcmalloc"), os.Stderr)
	if !haveCgo {
		if err == nil {
			t.Error("without cgo there are no such peers: want an error")
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	cfg.workloads = []*workload{{name: "pair", cases: workloads[0].cases[:1], open: workloads[0].open}}
	missing := *cfg.peers[len(cfg.peers)-1]
	missing.name, missing.library = "none", "libnone-such.so.1"
	cfg.peers = append(cfg.peers, &missing)
	rep, err := measure(cfg, new(strings.Builder))
	if err != nil {
		t.Fatal(err)
	}
	notes := strings.Join(rep.Notes, "\n")
	for _, p := range cfg.peers[2:] {
		e := rep.Results[0].entry(p.name)
		if noted := strings.Contains(notes, p.name+" is left out: "); noted != (e == nil) {
			t.Errorf("%s: entry %v, notes %q", p.name, e, notes)
		}
		if e == nil {
			t.Log(p.name, "is not here")
			continue
		}
		if !slices.ContainsFunc(rep.Results[0].Controls,
			func(c control) bool { return c.Library == p.library && c.ToPool > 0 }) {
			t.Errorf("%s has no control: %+v", p.name, rep.Results[0].Controls)
		}
	}
	if want := "none is left out: the dynamic linker does not find libnone-such.so.1"; !strings.Contains(notes, want) {
		t.Errorf("notes %q lack %q", notes, want)
	}
}

// TestUsage gives flags that make no sense.
func TestUsage(t *testing.T) {
	tests := []struct {
		args   string
		status int
		want   string
	}{
		{"-rounds 0", 2, "peers: -rounds 0: expected 1 or more"},
		{"-time 0s", 2, "peers: -time 0s: expected a duration above 0"},
		{"-time fast", 2, `"fast"`},
		{"-silence -1s", 2, "peers: -silence -1s: expected a duration such as 10s, or 0"},
		{"-only pair,all", 2, `peers: -only pair,all: there is no workload "all"; there are ` +
			"pair, touch, hold, hold-pages, hand-off, burst, handle, arena"},
		{"-peers mcache,malocc", 2,
			`peers: -peers mcache,malocc: there is no peer "malocc"; there are cmem, sync.Pool, classed`},
		{"-svg /nowhere", 2, "peers: -svg /nowhere: expected a folder that is there"},
		{"-bogus", 2, "-bogus"},
		{"64", 2, `peers: argument "64": there are flags only`},
		{"-help", 0, "usage: peers [flag...]"},
		{"-json /nowhere/peers.json", 2, "peers: -json /nowhere/peers.json: expected a file in a folder that is there"},
		{"-only arena,burst -svg .", 2, "peers: -svg with -only arena,burst: expected a workload with several sizes"},
		{"-only arena -peers make -rounds 1 -time 1ns -json .", 1, "peers: open .: is a directory"},
	}
	for _, tt := range tests {
		var stdout, stderr strings.Builder
		status := run(strings.Fields(tt.args), &stdout, &stderr)
		said := stdout.String() + stderr.String()
		if status != tt.status || !strings.Contains(said, tt.want) {
			t.Errorf("%s: exit status %d, message %q, want %d and %q", tt.args, status, said, tt.status, tt.want)
		}
	}
}
