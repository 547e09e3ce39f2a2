package proxy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/prometheus/procfs"

	"github.com/gocmem/cmem/examples/proxy/launch"
	"github.com/gocmem/cmem/examples/proxy/memstore"
)

// TestUsage gives flags that make no sense: exit status 2, and a message that
// names the value and what was expected.
func TestUsage(t *testing.T) {
	tests := []struct {
		program, args string
		want          []string
	}{
		{proxyBin, "-alloc arena", []string{`"arena"`, "make, pool, raw, cmem"}},
		{proxyBin, "-max-item 0", []string{`"0"`, "-max-item", "expected a size"}},
		{proxyBin, "-max-item 3g", []string{"-max-item 3221225472", "2147483645"}},
		{proxyBin, "-hold 5ms-2ms", []string{`"5ms-2ms"`, "-hold", "expected a duration"}},
		{proxyBin, "-servers localhost", []string{`"localhost"`, "host:port"}},
		{proxyBin, "-servers a:1,a:1", []string{`"a:1"`, "twice"}},
		{proxyBin, "-servers ,", []string{`""`, "host:port"}},
		{proxyBin, "-listen 11211", []string{`"11211"`, "host:port"}},
		{proxyBin, "-metrics x", []string{`"x"`, "host:port"}},
		{proxyBin, "-max-conns 0", []string{"-max-conns 0", "at least 1"}},
		{proxyBin, "-server-conns -1", []string{"-server-conns -1", "at least 1"}},
		{proxyBin, "-grace 0s", []string{"-grace 0s", "above 0"}},
		{proxyBin, "-client-timeout x", []string{`"x"`, "-client-timeout"}},
		{proxyBin, "-down-for -1s", []string{"-down-for -1s"}},
		{proxyBin, "-bogus", []string{"-bogus"}},
		{proxyBin, "extra", []string{`"extra"`}},
		{loadgenBin, "-conns 0", []string{"-conns 0", "at least 1"}},
		{loadgenBin, "-conns 9 -keys 8", []string{"-keys 8", "each of 9"}},
		{loadgenBin, "-sets 1.5", []string{"-sets 1.5", "0 to 1"}},
		{loadgenBin, "-multi NaN", []string{"-multi NaN", "0 to 1"}},
		{loadgenBin, "-min 2k -mean 1k", []string{"-min 2k -mean 1k -max 3m", "ascending"}},
		{loadgenBin, "-corpus-size 1m", []string{"-corpus-size 1m", "-max 3m"}},
		{loadgenBin, "-duration 0s", []string{"-duration 0s", "above 0"}},
		{loadgenBin, "extra", []string{`"extra"`}},
		{demoBin, "-allocs make,arena", []string{`"arena"`, "make, pool, raw, cmem"}},
		{demoBin, "-load 1s", []string{"-load 1s", "at least"}},
		{demoBin, "-memory 1", []string{"-memory 1", "at least"}},
	}
	if !withCgo {
		tests = append(tests, struct {
			program, args string
			want          []string
		}{proxyBin, "-alloc raw", []string{`"raw"`, "cgo", "CGO_ENABLED=0"}})
	}
	for _, tt := range tests {
		out, status := run(t, tt.program, strings.Fields(tt.args)...)
		name := filepath.Base(tt.program) + " " + tt.args
		if status != 2 {
			t.Errorf("%s: exit status %d, want 2", name, status)
		}
		for _, want := range tt.want {
			if !strings.Contains(out, want) {
				t.Errorf("%s: the message lacks %q:\n%s", name, want, out)
			}
		}
	}
	for _, program := range []string{proxyBin, loadgenBin, demoBin} {
		if out, status := run(t, program, "-help"); status != 0 || !strings.Contains(out, "-seed") && program != proxyBin {
			t.Errorf("%s -help: exit status %d:\n%s", program, status, out)
		}
	}
}

// TestAddressInUse starts a proxy where another one is.
func TestAddressInUse(t *testing.T) {
	p := startProxy(t, []string{startStore(t, nil).Addr()})
	out, status := run(t, proxyBin, "-listen", p.Addr)
	if status != 1 || !strings.Contains(out, "-listen") || !strings.Contains(out, "in use") {
		t.Errorf("exit status %d, want 1:\n%s", status, out)
	}
}

// loadReport is the part of the load generator's report that tests look at.
type loadReport struct {
	OpsPerSec  float64 `json:"ops_per_sec"`
	Hits       uint64
	Errors     uint64
	Mismatches uint64
	Gets, Sets struct {
		Count int64
		P50   float64 `json:"p50_ms"`
		P99   float64 `json:"p99_ms"`
	}
	Corpus struct{ Files, Bytes int }
	RSS    []struct {
		RSSBytes uint64 `json:"rss_bytes"`
	}
}

// loadShortly runs the load generator on p for a moment.
func loadShortly(t *testing.T, p *launch.Proxy, flags ...string) (rep loadReport, out string, status int) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.json")
	out, status = run(t, loadgenBin, append([]string{
		"-addr", p.Addr, "-metrics", p.Metrics, "-json", file,
		"-duration", "1s", "-conns", "8", "-keys", "64", "-multi", "0.3", "-corpus-size", "8m",
	}, flags...)...)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := json.Unmarshal(data, &rep); err != nil {
		t.Fatal(err)
	}
	return rep, out, status
}

// TestLoad runs the load generator through every allocator.
func TestLoad(t *testing.T) {
	onAllocators(t, func(t *testing.T, alloc string) {
		p := startProxy(t, memcacheds.take(t, 3), "-alloc", alloc)
		rep, out, status := loadShortly(t, p)
		t.Log(out)
		if status != 0 || rep.Mismatches != 0 || rep.Errors != 0 || rep.Hits == 0 || rep.Sets.Count == 0 ||
			rep.Gets.Count == 0 {
			t.Errorf("exit status %d, %+v", status, rep)
		}
		if rep.OpsPerSec <= 0 || rep.Gets.P50 <= 0 || rep.Gets.P99 < rep.Gets.P50 || rep.Corpus.Files == 0 ||
			len(rep.RSS) == 0 {
			t.Errorf("the report makes no sense: %+v", rep)
		}
		m := metrics(t, p)
		if sets := m.number("ops.set"); sets < float64(rep.Sets.Count) {
			t.Errorf("the proxy counts %v sets, the load generator %d", sets, rep.Sets.Count)
		}
	})
}

// TestLoadNoticesCorruption has a store change one byte of each body.
func TestLoadNoticesCorruption(t *testing.T) {
	store := startFaulty(t)
	store.set("get", memstore.Corrupt)
	rep, out, status := loadShortly(t, startProxy(t, []string{store.Addr()}))
	if status != 1 || rep.Mismatches == 0 || rep.Hits != 0 || !strings.Contains(out, "mismatch") {
		t.Errorf("exit status %d, want 1; %+v\n%s", status, rep, out)
	}
}

// TestLoadWithDyingServer kills one of two memcached servers under load: there are
// misses and errors, but nothing wrong ever comes back.
func TestLoadWithDyingServer(t *testing.T) {
	process, addr := startMemcached(t, 256)
	defer process.Stop(waitLimit)
	p := startProxy(t, []string{addr, memcacheds.take(t, 1)[0]})
	gen, err := launch.Start(loadgenBin, []string{
		"-addr", p.Addr, "-duration", "2s", "-conns", "8", "-keys", "64", "-corpus-size", "8m",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer gen.Stop(waitLimit)
	if _, err := gen.Await("loadgen: every key is set", waitLimit); err != nil {
		t.Fatal(err)
	}
	if err := process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := gen.Wait(); err != nil || !strings.Contains(gen.Output(), " 0 mismatches") {
		t.Errorf("%v; it printed:\n%s", err, gen.Output())
	}
	if n := metrics(t, p).number("errors.backend"); n == 0 {
		t.Error("the proxy did not notice that a server died")
	}
}

// startDemo starts a short demo with the in-process store.
func startDemo(t *testing.T, flags ...string) *launch.Process {
	t.Helper()
	p, err := launch.Start(demoBin, append([]string{
		"-out", t.TempDir(), "-memcached", "/nonexistent/memcached", "-load", "2s", "-silence", "500ms", "-conns", "16",
		"-keys", "64",
	}, flags...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop(waitLimit) })
	return p
}

// TestDemo runs a short demo where there is no memcached.
func TestDemo(t *testing.T) {
	out := t.TempDir()
	p := startDemo(t, "-out", out)
	if err := p.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, p.Output())
	}
	for _, want := range []string{"in-process store (no memcached here)", "CPUs, go", "16 connections", "make ", "cmem ",
		"GC share"} {
		if !strings.Contains(p.Output(), want) {
			t.Errorf("the demo does not print %q:\n%s", want, p.Output())
		}
	}
	chart, err := os.ReadFile(filepath.Join(out, "rss.svg"))
	if err != nil || !strings.Contains(string(chart), "cmem: RSS") {
		t.Errorf("no chart: %v", err)
	}
	data, err := os.ReadFile(filepath.Join(out, "demo.json"))
	if err != nil {
		t.Fatal(err)
	}
	var results struct{ Rows []map[string]any }
	if err := json.Unmarshal(data, &results); err != nil {
		t.Fatal(err)
	}
	if len(results.Rows) != 2 {
		t.Fatalf("the demo has %d rows:\n%s", len(results.Rows), data)
	}
	for _, row := range results.Rows {
		for _, name := range []string{"peak_rss_bytes", "mean_rss_by_live", "mean_live_bytes", "rss_after_silence_bytes",
			"ops_per_sec", "p99_ms", "verified_values"} {
			if n, ok := row[name].(float64); !ok || n <= 0 {
				t.Errorf("%v has %v as %s", row["alloc"], row[name], name)
			}
		}
	}
}

// TestDemoLeavesNoProcess ends the demo under load, once so that it can clean up,
// and once so that it cannot.
func TestDemoLeavesNoProcess(t *testing.T) {
	memcacheds.take(t, 1) // skips the test where there is none
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		t.Run(sig.String(), func(t *testing.T) {
			p := startDemo(t, "-memcached", "memcached", "-load", "1m")
			// It has to build the others first.
			if _, err := p.Await("demo: make: ", 10*waitLimit); err != nil {
				t.Fatal(err)
			}
			var children map[string]procfs.Proc
			eventually(t, "memcached, proxy and load generator run", func() bool {
				children = childrenOf(t, p.PID())
				return len(children) == 3
			})
			if err := p.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if p.Wait() == nil {
				t.Error("a demo that was cut short ended with status 0")
			}
			eventually(t, "its children are gone", func() bool {
				for _, child := range children {
					// One that nobody has waited for yet is a zombie.
					if stat, err := child.Stat(); err == nil && stat.State != "Z" {
						return false
					}
				}
				return true
			})
		})
	}
}

// childrenOf returns, by name, which of the demo's programs run as children of pid.
func childrenOf(t *testing.T, pid int) map[string]procfs.Proc {
	t.Helper()
	all, err := procfs.AllProcs()
	if err != nil {
		t.Fatal(err)
	}
	children := make(map[string]procfs.Proc)
	for _, proc := range all {
		stat, err := proc.Stat() // fails for one that just ended
		if err != nil || stat.PPID != pid {
			continue
		}
		if stat.Comm == "memcached" || stat.Comm == "proxy" || stat.Comm == "loadgen" {
			children[stat.Comm] = proc
		}
	}
	return children
}
