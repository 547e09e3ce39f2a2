//go:build cgo && linux && !race && !asan && !goexperiment.cgocheck2

package lean

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

// buildEx1 builds examples/vsz/ex1 with files of testdata/ex1 laid over it.
func buildEx1(t *testing.T, cgo string, files ...string) string {
	t.Helper()
	if _, err := os.Stat("../../examples"); os.IsNotExist(err) {
		t.Skip("the examples are not here: they are another module's")
	}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for _, name := range files {
		from, err := filepath.Abs("testdata/ex1/" + name)
		if err != nil {
			t.Fatal(err)
		}
		to, err := filepath.Abs("../../examples/vsz/ex1/lean_test_" + name)
		if err != nil {
			t.Fatal(err)
		}
		overlay.Replace[to] = from
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "overlay.json")
	if err := os.WriteFile(path, text, 0o666); err != nil {
		t.Fatal(err)
	}
	return buildIn(t, []string{"CGO_ENABLED=" + cgo}, "-overlay="+path, "../../examples/vsz/ex1")
}

// footprint is what a program takes: KiB, KiB, KiB of its address space that count for overcommit,
// numbers.
type footprint struct{ vsz, rss, accounted, threads, arenas int }

// measure returns the median of five runs, by VSZ: now and then a run's heap spans two of Go's
// 64 MiB arenas.
func measure(t *testing.T, program string, threads int) footprint {
	t.Helper()
	var runs []footprint
	for range 5 {
		p := start(t, []string{"BLOCK=" + strconv.Itoa(threads)}, program)
		time.Sleep(200 * time.Millisecond) // for the last thread of Go's to come up
		runs = append(runs, footprint{p.status("VmSize"), p.status("VmRSS"), p.mapped("ac") / kib, p.status("Threads"),
			p.arenas()})
		p.cmd.Process.Kill()
		p.cmd.Wait()
	}
	slices.SortFunc(runs, func(a, b footprint) int { return a.vsz - b.vsz })
	return runs[len(runs)/2]
}

// TestFootprint wants a web server with cgo and lean to take hardly more address space than one
// without cgo.
func TestFootprint(t *testing.T) {
	otherThanGo(t)
	noCgo := buildEx1(t, "0", "block_go.go")
	cgo := buildEx1(t, "1", "block_c.go")
	withLean := buildEx1(t, "1", "block_c.go", "lean.go")

	t.Log("examples/vsz/ex1                    VSZ KiB  RSS KiB  accounted KiB  threads  arenas")
	for _, load := range []struct{ threads, atMost int }{{0, 8 * kib}, {64, 32 * kib}} {
		base := measure(t, noCgo, load.threads)
		plain := measure(t, cgo, load.threads)
		leaned := measure(t, withLean, load.threads)
		for _, row := range []struct {
			name string
			footprint
		}{{"no cgo", base}, {"cgo", plain}, {"cgo and lean", leaned}} {
			t.Logf("%2d threads blocked, %-17s %8d %8d %14d %8d %7d", load.threads, row.name, row.vsz, row.rss, row.accounted,
				row.threads, row.arenas)
		}
		if more := leaned.vsz - base.vsz; more > load.atMost {
			t.Errorf("with %d threads blocked, cgo and lean take %d KiB more than no cgo, want at most %d", load.threads, more,
				load.atMost)
		}
		if plain.vsz-leaned.vsz < 128*kib {
			t.Errorf("with %d threads blocked, lean takes away only %d KiB of what cgo adds", load.threads, plain.vsz-leaned.vsz)
		}
	}
}
