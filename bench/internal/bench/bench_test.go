package bench

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{3}, 3},
		{[]float64{4, 1}, 2.5},
		{[]float64{9, 1, 5}, 5},
		{[]float64{9, 1, 5, 6}, 5.5},
	} {
		if got := Median(tt.values); got != tt.want {
			t.Errorf("Median(%v) = %v, want %v", tt.values, got, tt.want)
		}
	}
}

func TestRatios(t *testing.T) {
	near := func(got, want float64) bool { return math.Abs(got/want-1) < 0.005 }
	for _, tt := range []struct {
		a, b []float64
		want Ratio
	}{
		{[]float64{2, 2, 2}, []float64{1, 1, 1}, Ratio{2, 2, 2}},
		{[]float64{1, 4}, []float64{1, 1}, Ratio{2, 2 * math.Exp(-12.706*math.Ln2), 2 * math.Exp(12.706*math.Ln2)}},
		// Logarithms -1, 1 eight times: the mean 0, the deviation sqrt(16/15), t of 15 degrees 2.131.
		{alternate(16, math.Exp(-1), math.E), alternate(16, 1, 1),
			Ratio{1, math.Exp(-2.131 / math.Sqrt(15)), math.Exp(2.131 / math.Sqrt(15))}},
	} {
		if got := Ratios(tt.a, tt.b); !near(got.Mean, tt.want.Mean) || !near(got.Low, tt.want.Low) ||
			!near(got.High, tt.want.High) {
			t.Errorf("Ratios(%v, %v) = %v, want %v", tt.a, tt.b, got, tt.want)
		}
	}
}

func alternate(n int, a, b float64) (all []float64) {
	for range n / 2 {
		all = append(all, a, b)
	}
	return all
}

func TestSizeName(t *testing.T) {
	for n, want := range map[int]string{0: "0 B", 64: "64 B", 1024: "1 KiB", 1536: "1536 B", 1000: "1000 B",
		10_000: "10 KB", 3_000_000: "3 MB", 64_000: "64 KB", 10 << 10: "10 KiB", 8 << 20: "8 MiB", 3 << 19: "1536 KiB"} {
		if got := SizeName(n); got != want {
			t.Errorf("SizeName(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestThisHost(t *testing.T) {
	h := ThisHost()
	if h.Cores < 1 || !strings.Contains(h.String(), h.Go) || !strings.HasPrefix(h.Go, "go") {
		t.Errorf("%+v: %s", h, h)
	}
}

// TestWriteSVG draws panels with linear and logarithmic axes, and refuses what cannot be drawn.
func TestWriteSVG(t *testing.T) {
	file := filepath.Join(t.TempDir(), "chart.svg")
	panels := []Panel{
		{Title: "first", X: Axis{Label: "size", Log: true, Bytes: true}, Y: Axis{Label: "ns", Log: true},
			Series: []Series{{Name: "cmem", Strong: true, Points: []Point{{64, 10}, {1 << 20, 20}}},
				{Name: "peer", Points: []Point{{64, 20}, {1 << 20, 2000}}}}},
		{Title: "second", X: Axis{Label: "threads"}, Y: Axis{Label: "ns"},
			Series: []Series{{Name: "cmem", Points: []Point{{1, 1}, {2, 3}}}}},
		{Title: "dots", X: Axis{Label: "CPU"}, Y: Axis{Label: "RSS"},
			Series: []Series{{Name: "frontier", Points: []Point{{1, 1}, {2, 3}}, Labels: []string{"20ms", "never"}},
				{Name: "single", Points: []Point{{3, 4}}, Labels: []string{"alone"}}}},
		{Title: "third", X: Axis{Label: "threads"}, Y: Axis{Label: "ns"},
			Series: []Series{{Name: "other", Points: []Point{{1, 1}, {2, 3}}}}},
	}
	if err := WriteSVG(file, "the title", 2, panels); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"the title", "first", "second", "third", "1 MiB", "peer", "other", "frontier", "20ms",
		"never", "alone", "</svg>"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the picture lacks %q", want)
		}
	}
	if err := WriteSVG(filepath.Join(t.TempDir(), "none", "chart.svg"), "", 1, panels); err == nil {
		t.Error("no error for a folder that is not there")
	}
	panels[2].Series[0].Labels = []string{"one"}
	if err := WriteSVG(file, "", 1, panels); err == nil ||
		!strings.Contains(err.Error(), `panel "dots", series "frontier"`) {
		t.Errorf("1 label for 2 points: error %v", err)
	}
	for _, bad := range []Point{{0, 1}, {1, 0}} {
		panels[0].Series[0].Points[0] = bad
		if err := WriteSVG(file, "", 1, panels); err == nil ||
			!strings.Contains(err.Error(), `panel "first", series "cmem"`) {
			t.Errorf("%v on logarithmic axes: error %v", bad, err)
		}
	}
}
