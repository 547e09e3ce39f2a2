package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gocmem/cmem/bench/internal/bench"
	"github.com/gocmem/cmem/cmem"
)

// TestMain makes the test binary the measured process, as main does the program.
func TestMain(m *testing.M) {
	if order := os.Getenv(childEnv); order != "" {
		os.Exit(childMain(order, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// measure runs the program on these loads, as short as it makes sense, and returns its result and what it printed.
func measure(t *testing.T, args ...string) (*result, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "result.json")
	var out, errOut bytes.Buffer
	args = append([]string{"-quick", "-seconds=0.3", "-where", "-procs=2", "-json", file}, args...)
	if code := parentMain(args, &out, &errOut); code != 0 {
		t.Fatalf("footprint %q: exit code %d, want 0; it printed\n%s%s", args, code, &out, &errOut)
	}
	js, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r := new(result)
	if err := json.Unmarshal(js, r); err != nil {
		t.Fatal(err)
	}
	if len(r.Trials) == 0 {
		t.Fatalf("footprint %q measured nothing; it printed\n%s%s", args, &out, &errOut)
	}
	return r, out.String()
}

// within fails the test unless the trial's figure is within bounds that hold on any machine and in any build.
func within(t *testing.T, tr *trial, name string, low, high float64) {
	t.Helper()
	if v := tr.figure(name); !(v >= low && v <= high) {
		t.Errorf("%s, %s: %s is %v, want %v to %v", tr.Load, tr.label(), name, v, low, high)
	}
}

func TestBodies(t *testing.T) {
	r, out := measure(t, "body", "lognormal")
	for _, tr := range r.Trials {
		within(t, tr, "bodies", 1, 1e9)
		within(t, tr, "live", 0.1, 100)
		within(t, tr, "(RSS-start)/live", 0.1, 100)
		if tr.Load == "lognormal" {
			within(t, tr, "get p99", 0.01, 2e6)
			within(t, tr, "get+fill p99", tr.figure("get p50"), 2e6)
		}
		if !strings.Contains(out, tr.Mode) {
			t.Errorf("%s: mode %s is not in the table:\n%s", tr.Load, tr.Mode, out)
		}
	}
	if n, want := len(r.Trials), 2*len(modesHere()); n != want {
		t.Errorf("%d trials, want %d: every mode of both loads", n, want)
	}
}

// modesHere are the modes of the loads that compare sources, as far as there are any here.
func modesHere() []string {
	return slices.DeleteFunc(slices.Clone(bufferModes), func(mode string) bool { return lacks(mode) != nil })
}

// TestCosts looks at the loads whose report is their cost.
func TestCosts(t *testing.T) {
	args := []string{"-modes=pool,cmem", "-idle=20ms,0"}
	r, _ := measure(t, append(args, "queue", "bimodal", "upload", "tide")...)
	b, _ := measure(t, append(args, "-seconds=1.2", "batch")...) // once a second
	trials := append(r.Trials, b.Trials...)
	if len(trials) != 5*3 {
		t.Errorf("%d trials, want 15: the pool and two idle limits of each load", len(trials))
	}
	for _, tr := range trials {
		within(t, tr, "buffers", 1, 1e9)
		within(t, tr, "CPU", 0.001, 1e6)
		within(t, tr, "peak live", 0.1, 250)
		if tr.Mode == modeCmem && haveC() {
			within(t, tr, "peak in use", tr.figure("peak live")/2, 1000)
		}
		if tr.Mode == modePool {
			within(t, tr, "peak in use", 0, 0)
		}
		if (tr.Mode == modeCmem) != (tr.Idle != nil) {
			t.Errorf("%s: idle %v in mode %s: want one in mode cmem only", tr.Load, tr.Idle, tr.Mode)
		}
	}
}

// haveC tells whether cmem's memory is C's in this build.
func haveC() bool {
	var s cmem.Stats
	cmem.ReadStats(&s)
	return s.FastPath != "go"
}

// TestPairs checks the turns and what is made of them.
func TestPairs(t *testing.T) {
	r, out := measure(t, "-pairs=3", "-idle=0", "-gomaxprocs-changes", "lognormal", "queue")
	if len(r.Comparisons) != 2 || len(r.Trials) != 2*6 {
		t.Fatalf("%d comparisons of %d trials, want 2 of 12", len(r.Comparisons), len(r.Trials))
	}
	for _, c := range r.Comparisons {
		if !(c.CPU.Low <= c.CPU.Mean && c.CPU.Mean <= c.CPU.High && c.RSS.Low > 0) {
			t.Errorf("%s: %+v: want intervals about the means", c.Load, c)
		}
		if !strings.Contains(out, "\n"+c.Load+" ") {
			t.Errorf("%s is not in the table:\n%s", c.Load, out)
		}
	}
	for _, tr := range r.Trials {
		if !tr.Changes || (tr.Idle != nil) != (tr.Mode == modeCmem) {
			t.Errorf("%s: changes %v, idle %v; want changes, and the idle limit for cmem", tr.label(), tr.Changes, tr.Idle)
		}
		if (tr.Watch > 0) != (tr.Run == 1) {
			t.Errorf("%s, run %d: silence %v; want one after the first pair only", tr.label(), tr.Run, tr.Watch)
		}
	}
}

func TestFrontier(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pictures")
	r, out := measure(t, "-frontier", dir, "-modes=cmem,pool", "bimodal")
	if want := len(frontierIdles) + 1; len(r.Trials) != want {
		t.Errorf("%d trials, want %d: each idle limit and the pool", len(r.Trials), want)
	}
	svg, err := os.ReadFile(filepath.Join(dir, "frontier-bimodal.svg"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"20ms", "10s", "never", "pool"} {
		if !bytes.Contains(svg, []byte(">"+want+"<")) {
			t.Errorf("the picture has no dot %q", want)
		}
	}
	for _, want := range []string{"cmem, idle 20ms", "cmem, idle 0s", "pool"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in the table:\n%s", want, out)
		}
	}
}

// TestMemoryCost: 4 GiB for a second are a second of a core, shared by the buffers of that second.
func TestMemoryCost(t *testing.T) {
	if got := (&cost{RSS: 2 << 30, Rate: 1000}).memory(); got != 500 {
		t.Errorf("2 GiB at 1,000 buffers a second cost %v µs a buffer, want 500", got)
	}
}

func TestSettling(t *testing.T) {
	idle := 8 * time.Second
	for _, tt := range []struct {
		o    options
		idle *time.Duration
		want time.Duration
	}{
		{options{warmup: -1}, nil, warmup}, {options{warmup: -1}, &idle, 10 * time.Second},
		{options{warmup: time.Second}, &idle, time.Second},
	} {
		if got := tt.o.settling(tt.idle); got != tt.want {
			t.Errorf("-warmup=%v, idle %v: %v before the window, want %v", tt.o.warmup, tt.idle, got, tt.want)
		}
	}
}

// TestLimits gives comparisons that just meet what is expected and that just miss it.
func TestLimits(t *testing.T) {
	trials := func(costs ...cost) (all []*trial) {
		for _, c := range costs {
			all = append(all, &trial{Cost: &c})
		}
		return all
	}
	pool := cost{CPU: 10, RSS: 100e6, Live: 50e6}
	tests := []struct {
		ours []*trial
		want string
	}{
		{trials(cost{CPU: 10, RSS: 75e6, InUse: 63e6, After: 8e6}, cost{CPU: 10, RSS: 75e6, InUse: 63e6}), ""},
		{trials(cost{CPU: 11, RSS: 76e6, InUse: 63e6, After: 9e6}, cost{CPU: 11, RSS: 76e6, InUse: 63e6}),
			"CPU, CPU's interval, RSS, RSS/peak, +10s"},
		{trials(cost{CPU: 9, RSS: 75e6, InUse: 63e6}, cost{CPU: 10, RSS: 75e6, InUse: 63e6}), "CPU's interval"},
	}
	for _, tt := range tests {
		c := &comparison{limit: rssLimit, ours: tt.ours, theirs: trials(pool, pool)}
		c.conclude()
		if got := strings.Join(c.Missed, ", "); got != tt.want {
			t.Errorf("missed %q, want %q: %+v", got, tt.want, c)
		}
	}
}

// TestPeaks has live bytes that fall: what counts is the most of the last 5 s at each moment of the window.
func TestPeaks(t *testing.T) {
	w := &watch{sampler: &sampler{}, from: 2 * time.Second, to: 10 * time.Second}
	for i := range 11 {
		live := int64(100)
		if i > 1 {
			live = 10
		}
		w.series = append(w.series, sample{at: time.Duration(i) * time.Second, live: live})
	}
	// 100 from 2 s to 6 s, as the last 100 was at 1 s; 10 from 7 s to 9 s.
	if got, want := w.meanPeak(liveOf), (5*100.0+3*10.0)/8; got != want {
		t.Errorf("the peaks' mean is %v, want %v", got, want)
	}
}

// TestTide counts who works when.
func TestTide(t *testing.T) {
	const n = 200
	for at, want := range map[time.Duration]int{0: n / tideEbb, tidePeriod / 4: (n + n/tideEbb) / 2, tidePeriod / 2: n,
		tidePeriod - 1: n / tideEbb} {
		works := 0
		for i := range n {
			if from := turn(i, n); from <= at && at <= tidePeriod-from {
				works++
			}
		}
		if works < want-1 || works > want+1 {
			t.Errorf("%v: %d of %d work, want %d", at, works, n, want)
		}
	}
}

func TestCheckMode(t *testing.T) {
	if err := checkMode(modeJemalloc); err == nil {
		t.Error("a process without jemalloc passes for one with it")
	}
	if err := checkMode(modeRaw); err != nil {
		t.Error(err)
	}
}

// TestPools: a buffer is as long as asked for, of a pool of the next power of two from 64 B to 16 MiB, and comes back.
func TestPools(t *testing.T) {
	for n, want := range map[int]int{1: 64, 64: 64, 65: 128, 100_000: 128 << 10, 16 << 20: 16 << 20, 16<<20 + 1: 0} {
		p := new(pools)
		b := p.get(n)
		if len(b) != n || want != 0 && cap(b) != want || want == 0 && cap(b) < n {
			t.Errorf("%d bytes: length %d, capacity %d, want %d (0: of no pool)", n, len(b), cap(b), want)
		}
		p.put(b)
		pooled := 0
		for i := range p {
			if p[i].Get() != nil {
				pooled = 1 << i
			}
		}
		// under the race detector pools drop some at random
		if race := bench.ThisHost().Race; pooled != want && !(race && pooled == 0) {
			t.Errorf("%d bytes came back to the pool of %d, want %d", n, pooled, want)
		}
	}
}

// TestObey carries an order out in this process, which shows what it sets.
func TestObey(t *testing.T) {
	idle, before, procs := 7*time.Second, cmem.SetIdleLimit(0), runtime.GOMAXPROCS(0)
	defer cmem.SetIdleLimit(before)
	tr := &trial{order: order{Load: "bimodal", Mode: modeCmem, Window: time.Second, Quick: true, Idle: &idle,
		Changes: true}}
	done := make(chan error)
	go func() { done <- tr.obey() }()
	most := 0
	for running := true; running; time.Sleep(time.Millisecond) {
		most = max(most, runtime.GOMAXPROCS(0))
		select {
		case err := <-done:
			if running = false; err != nil {
				t.Fatal(err)
			}
		default:
		}
	}
	if most < max(8, procs) {
		t.Errorf("GOMAXPROCS was %d at most, want 8", most)
	}
	if got := runtime.GOMAXPROCS(0); got != procs {
		t.Errorf("GOMAXPROCS is %d after the load, want %d as before", got, procs)
	}
	if got := cmem.SetIdleLimit(before); got != idle {
		t.Errorf("the load had the idle limit %v, want %v", got, idle)
	}
}

func TestChangeProcs(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	end := changeProcs()
	for want := 8; runtime.GOMAXPROCS(0) != want; {
		time.Sleep(time.Millisecond)
	}
	end()
	end()
	if got := runtime.GOMAXPROCS(0); got != before {
		t.Errorf("GOMAXPROCS is %d after the changes, want %d as before", got, before)
	}
}

// TestWhere checks that the parts of cmem's heap add up to what is resident.
func TestWhere(t *testing.T) {
	r, _ := measure(t, "-modes=cmem", "body")
	heap := r.Trials[0].Heap
	sum := func(names ...string) (v float64) {
		for _, f := range heap {
			if slices.Contains(names, f.Name) {
				v += f.Value
			}
		}
		return v
	}
	parts := sum("requested", "rounding", "magazines", "threads", "central", "idle", "Go", "rest")
	if whole := sum("RSS-start"); math.Abs(parts-whole) > 0.01 {
		t.Errorf("the parts sum up to %.2f MB, RSS-start is %.2f MB: %v", parts, whole, heap)
	}
	if len(r.Trials[0].Mappings) == 0 {
		t.Error("no mapping has resident bytes")
	}
}

func TestRecycle(t *testing.T) {
	dir := t.TempDir()
	r, _ := measure(t, "-modes=make,cmem", "-csv", dir, "recycle")
	for _, tr := range r.Trials {
		within(t, tr, "live", 100, 210) // 20 buffers, 21 while one is replaced
		within(t, tr, "RSS/live", 0.9, 20)
		f, err := os.Open(tr.CSV)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		rows, err := csv.NewReader(f).ReadAll()
		if err != nil || len(rows) < 10 || rows[0][0] != "t_s" {
			t.Errorf("%s: %v, %d rows, want a series with a heading", tr.CSV, err, len(rows))
		}
	}
}

func TestBurst(t *testing.T) {
	r, _ := measure(t, "-modes=make,cmem", "-seconds=1", "burst")
	for _, tr := range r.Trials {
		within(t, tr, "live, burst", 500, 1010)
		within(t, tr, "+1s", 0.9, 50)
	}
}

func TestLost(t *testing.T) {
	for _, gogc := range []string{"100", "off"} { // off: collected at the memory limit alone
		t.Run("GOGC="+gogc, func(t *testing.T) {
			t.Setenv("GOGC", gogc)
			t.Setenv("GOMEMLIMIT", "64MiB")
			testLost(t)
		})
	}
}

func testLost(t *testing.T) {
	r, _ := measure(t, "lost")
	for _, tr := range r.Trials {
		low, high := 1.0, tr.figure("lost")/3 // the rest must have come back
		if buildSetting("-race") == "true" || buildSetting("-asan") == "true" {
			high = math.MaxInt32 // shadow memory is several times what it stands for
		}
		within(t, tr, "peak RSS", low, high)
	}
}

func TestVSZ(t *testing.T) {
	r, _ := measure(t, "vsz")
	for _, tr := range r.Trials {
		within(t, tr, "VmSize", 10, math.MaxInt32)
		within(t, tr, "threads", float64(tr.Threads)+1, float64(tr.Threads)+1000)
		if strings.HasSuffix(tr.Mode, "-idle") {
			within(t, tr, "peak live", 0, 0)
		} else {
			within(t, tr, "peak live", 1, 64*threadSlots*maxBody/1e6)
		}
	}
	if want := len(vszModes()) * 2 / 3; haveRaw && len(r.Conclusions) != want {
		t.Errorf("conclusions %q, want %d: one for each mode that works", r.Conclusions, want)
	}
}

func TestMemlimit(t *testing.T) {
	r, _ := measure(t, "memlimit")
	for _, tr := range r.Trials {
		within(t, tr, "held", 100, 201)
		within(t, tr, "peak RSS", 150, 5000)
		within(t, tr, "garbage", 1, math.MaxInt32)
	}
}

func TestSteady(t *testing.T) {
	r, _ := measure(t, "steady")
	if len(r.Trials) != 2 || r.Trials[0].Mode == r.Trials[1].Mode {
		t.Errorf("%d trials, want 2, on and off", len(r.Trials))
	}
	if len(r.Conclusions) != 3 {
		t.Errorf("conclusions %q, want the ratios of bodies, CPU and footprint", r.Conclusions)
	}
}

func TestUsageErrors(t *testing.T) {
	tests := []struct{ args, want string }{
		{"nope", `there is no load "nope"`},
		{"-modes=on body", `none of the chosen loads has a mode "on"`},
		{"-procs=0", "-procs=0: expected"},
		{"-procs=1,x", "-procs=1,x: expected"},
		{"-runs=0", "-runs=0: expected"},
		{"-idle=3", "-idle=3: expected"},
		{"-idle=-1s", "-idle=-1s: expected"},
		{"-warmup=-1s", "-warmup=-1s: expected"},
		{"-pairs=1", "-pairs=1: expected 2 or more"},
		{"-pairs=2 burst", "load burst has no cost"},
		{"-pairs=2 -against=cmem", "-against=cmem: expected one of make"},
		{"-pairs=2 -idle=0,1s", "one -idle at most"},
		{"-pairs=2 -frontier=x", "expected one of them"},
		{"-frontier=x vsz", "load vsz has no cost"},
		{"body -seconds=-1", "-seconds=-1: expected"},
		{"-seconds=NaN", "-seconds=NaN: expected"},
		{"-nope", "-nope"},
	}
	for _, tt := range tests {
		var out, errOut bytes.Buffer
		code := parentMain(strings.Fields(tt.args), &out, &errOut)
		if code != exitUsage || !strings.Contains(errOut.String(), tt.want) || out.Len() > 0 {
			t.Errorf("footprint %s: exit code %d, %q; want %d and %q on standard error only",
				tt.args, code, out.String()+errOut.String(), exitUsage, tt.want)
		}
	}
	t.Setenv("CMEM_SEED", "x")
	var out, errOut bytes.Buffer
	if code := parentMain(nil, &out, &errOut); code != exitUsage {
		t.Errorf("CMEM_SEED=x: exit code %d, want %d", code, exitUsage)
	}
}

func TestHelp(t *testing.T) {
	var out, errOut bytes.Buffer
	if code := parentMain([]string{"-help"}, &out, &errOut); code != 0 {
		t.Errorf("-help: exit code %d, want 0", code)
	}
	for _, l := range loads {
		if !strings.Contains(errOut.String(), l.name) {
			t.Errorf("-help does not tell of the load %s", l.name)
		}
	}
}

func TestSizes(t *testing.T) {
	tests := []struct {
		name      string
		s         *sizes
		mean      float64
		low, high int32
	}{
		{"pareto", paretoSizes(), meanPareto, minBody, maxBody},
		{"lognormal", lognormalSizes(), meanLognormal, minBody, maxBody},
		{"lognormal of 16 KB", lognormal(16e3, 500, 1e6), 32_535, 500, 1e6},
		{"even", evenSizes(5e6, 10e6), 7.5e6, 5e6, 10e6},
	}
	for _, tt := range tests {
		if m := tt.s.mean(); math.Abs(m-tt.mean) > 0.001*tt.mean {
			t.Errorf("%s: mean %.0f, want %.0f", tt.name, m, tt.mean)
		}
		if low, high := slices.Min(tt.s[:]), slices.Max(tt.s[:]); low < tt.low || high > tt.high {
			t.Errorf("%s: %d to %d, want %d to %d at most", tt.name, low, high, tt.low, tt.high)
		}
		if !slices.IsSorted(tt.s[:]) {
			t.Errorf("%s: the quantiles are out of order", tt.name)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{3, 1}, 2}, {[]float64{5, 1, 3}, 3}} {
		if got := median(tt.values); got != tt.want {
			t.Errorf("median(%v) = %v, want %v", tt.values, got, tt.want)
		}
	}
}
