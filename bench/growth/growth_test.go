package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMain makes the test binary the measuring process, as main does the program.
func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(childMain(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// TestCurves measures all curves for no time to speak of, and reads what comes out.
func TestCurves(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "growth.json")
	var stdout, stderr strings.Builder
	args := []string{"-max", "10", "-rounds", "2", "-time", "10us", "-json", file, "-svg", dir}
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
	picture, err := os.ReadFile(filepath.Join(dir, "growth.svg"))
	if err != nil {
		t.Fatal(err)
	}
	if rep.Rounds != 2 || rep.RoundTime != "10µs" || rep.Machine.Cores < 1 {
		t.Errorf("the file has %d rounds of %s on %+v", rep.Rounds, rep.RoundTime, rep.Machine)
	}
	for _, cu := range curves {
		checkCurve(t, cu, &rep, stdout.String(), string(picture))
	}
}

// checkCurve looks for the curve in the report, the table and the picture.
func checkCurve(t *testing.T, cu *curve, rep *report, table, picture string) {
	t.Helper()
	i := slices.IndexFunc(rep.Curves, func(r *result) bool { return r.Name == cu.name })
	if cu.needsC && !haveC {
		if i >= 0 || !strings.Contains(table, cu.name+" is left out") {
			t.Errorf("%s was measured without libcmem, or nothing says that it was not:\n%s", cu.name, table)
		}
		return
	}
	if i < 0 || len(rep.Curves[i].Charts) == 0 {
		t.Fatalf("%s is not in the report", cu.name)
	}
	for _, ch := range rep.Curves[i].Charts {
		if len(ch.Lines) < 2 || !strings.Contains(table, ch.Title) || !strings.Contains(picture, ch.Title) {
			t.Errorf("%s: %q: %d lines, want 2 or more, and its title in the table and the picture", cu.name, ch.Title,
				len(ch.Lines))
		}
		for _, l := range ch.Lines {
			for _, p := range l.Points {
				if p.N < 1 || !(p.Ns > 0) || math.IsInf(p.Ns, 0) {
					t.Errorf("%s: %q, %s: point %+v", cu.name, ch.Title, l.Name, p)
				}
			}
			if last := l.Points[len(l.Points)-1].N; cu.name != "sizes" && last != 10 && last != 8 {
				t.Errorf("%s: %q, %s ends at %d, want 10, or 8 where it doubles", cu.name, ch.Title, l.Name, last)
			}
		}
	}
}

// TestUsage gives flags that make no sense.
func TestUsage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		args   string
		status int
		want   string
	}{
		{"-rounds 0", exitUsage, "growth: -rounds 0: expected 1 or more"},
		{"-time 0s", exitUsage, "growth: -time 0s: expected a duration above 0"},
		{"-time fast", exitUsage, `"fast"`},
		{"-max 0", exitUsage, "growth: -max 0: expected 1 or more"},
		{"-only live,dead", exitUsage, `growth: -only: no curve "dead"; expected some of live,goroutines,`},
		{"-bogus", exitUsage, "-bogus"},
		{"live", exitUsage, `growth: argument "live": expected flags only`},
		{"-svg /nowhere", exitUsage, "growth: -svg: stat /nowhere"},
		{"-svg " + file, exitUsage, "expected a folder"},
		{"-json /nowhere/growth.json", exitUsage, "growth: -json: stat /nowhere"},
		{"-help", 0, "idle-threads"},
	}
	for _, tt := range tests {
		var stdout, stderr strings.Builder
		status := run(strings.Fields(tt.args), &stdout, &stderr)
		if status != tt.status || !strings.Contains(stderr.String(), tt.want) {
			t.Errorf("%s: exit status %d, message %q, want %d and %q", tt.args, status, stderr.String(), tt.status, tt.want)
		}
	}
}

// TestFit knows what constant, logarithmic and linear costs come to.
func TestFit(t *testing.T) {
	for _, tt := range []struct {
		name               string
		cost               func(n float64) float64
		slope, last, allow float64 // slope: NaN where it does not matter
	}{
		{"constant", func(float64) float64 { return 7 }, 0, 1, 1.25},
		{"logarithmic", func(n float64) float64 { return 3 * math.Log10(n) }, 3, 1.25, 1.25},
		{"linear", func(n float64) float64 { return n }, math.NaN(), 10, 1.25},
	} {
		var points []point
		for _, n := range []int{1, 10, 100, 1000, 10_000, 100_000} {
			points = append(points, point{n, max(tt.cost(float64(n)), 1e-12)})
		}
		g := fit(points)
		last := g.Decades[len(g.Decades)-1]
		if math.Abs(g.Slope-tt.slope) > 1e-6 || math.Abs(last.Ratio-tt.last) > 1e-6 ||
			math.Abs(last.Allows-tt.allow) > 1e-6 || len(g.Decades) != 5 {
			t.Errorf("%s: %+v, want slope %v, ratio %v, of which log n allows %v", tt.name, g, tt.slope, tt.last, tt.allow)
		}
	}
}

// TestCostAt looks between powers of two, as the curve of sizes has them.
func TestCostAt(t *testing.T) {
	points := []point{{16, 4}, {64, 16}, {256, 16}}
	for _, tt := range []struct{ n, want float64 }{{16, 4}, {32, 8}, {64, 16}, {128, 16}, {8, 0}, {1000, 0}} {
		if got, ok := costAt(points, tt.n); math.Abs(got-tt.want) > 1e-9 || ok != (tt.want > 0) {
			t.Errorf("costAt(%v) = %v, %v, want %v", tt.n, got, ok, tt.want)
		}
	}
}

// TestMedians joins rounds, one of which ended early.
func TestMedians(t *testing.T) {
	round := func(costs ...float64) *result {
		r := &result{Name: "curve"}
		ch := r.chart("title", "x")
		for i, ns := range costs {
			ch.add("line", i+1, ns)
		}
		return r
	}
	got := medians([]*result{round(1, 10, 7), round(3, 30), round(2, 20, 9)})
	if want := []point{{1, 2}, {2, 20}}; !slices.Equal(got.Charts[0].Lines[0].Points, want) {
		t.Errorf("points %v, want %v", got.Charts[0].Lines[0].Points, want)
	}
}

func TestSteps(t *testing.T) {
	if got, want := steps(1000), []int{1, 3, 10, 32, 100, 316, 1000}; !slices.Equal(got, want) {
		t.Errorf("steps(1000) = %v, want %v", got, want)
	}
}

func TestRandom(t *testing.T) {
	order := permutation(100)
	slices.Sort(order)
	for i, n := range order {
		if i != n {
			t.Fatalf("permutation(100), sorted: %v", order)
		}
	}
	sizes := mixture(64, 65536)
	if low, high := slices.Min(sizes), slices.Max(sizes); low < 64 || low > 80 || high > 65536 || high < 50_000 {
		t.Errorf("a mixture of 64 to 65536 has %d to %d", low, high)
	}
}

// TestFill checks the layout that the curves of the page heap are about.
func TestFill(t *testing.T) {
	if !haveC {
		t.Skip("blocks lie as libcmem puts them")
	}
	const n, size = 600, 64 << 10 // more than an ordinary region has
	f, err := fill(n, size)
	if err != nil {
		t.Fatal(err)
	}
	defer f.free()
	if len(f.blocks) < n {
		t.Fatalf("%d blocks, want %d at least", len(f.blocks), n)
	}
	for i := range f.blocks[1:] {
		if d := address(f.blocks[i+1]) - address(f.blocks[i]); d != size {
			t.Fatalf("block %d lies %d B behind the one before, want %d", i+1, d, size)
		}
	}
}
