package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRun measures for no time to speak of and reads what comes out.
func TestRun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bench.json")
	var stdout, stderr strings.Builder
	if status := run([]string{"-rounds", "2", "-time", "10us", "-json", file}, &stdout, &stderr); status != 0 {
		t.Fatalf("exit status %d: %s", status, stderr.String())
	}
	for _, want := range []string{"cores", "GOMAXPROCS=", "go1.", "sync.Pool ns/op", "64 B", "1 KiB", "8 MiB"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, stdout.String())
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var rep report
	if err := json.Unmarshal(text, &rep); err != nil {
		t.Fatal(err)
	}
	if rep.Rounds != 2 || len(rep.Results) != len(sizes) || rep.Machine.Cores < 1 {
		t.Errorf("the file has %+v", rep)
	}
	for i, r := range rep.Results {
		if r.Size != sizes[i] || r.Cmem.NsPerOp <= 0 || r.Pool.NsPerOp <= 0 || r.Make.NsPerOp <= 0 || r.Ratio <= 0 {
			t.Errorf("result %d is %+v", i, r)
		}
	}
}

// TestUsage gives flags that make no sense.
func TestUsage(t *testing.T) {
	tests := []struct {
		args   string
		status int
		want   string
	}{
		{"-rounds 0", 2, "bench: -rounds 0: expected 1 or more"},
		{"-time 0s", 2, "bench: -time 0s: expected a duration above 0"},
		{"-time fast", 2, `"fast"`},
		{"-bogus", 2, "-bogus"},
		{"64", 2, `bench: argument "64": there are flags only`},
		{"-help", 0, "usage: go run ./tests/bench"},
		{"-rounds 1 -time 1ns -json /nowhere/bench.json", 1, "bench: open /nowhere/bench.json"},
	}
	for _, tt := range tests {
		var stdout, stderr strings.Builder
		status := run(strings.Fields(tt.args), &stdout, &stderr)
		if status != tt.status || !strings.Contains(stderr.String(), tt.want) {
			t.Errorf("%s: exit status %d, message %q, want %d and %q", tt.args, status, stderr.String(), tt.status, tt.want)
		}
	}
}

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
		if got := median(tt.values); got != tt.want {
			t.Errorf("median(%v) = %v, want %v", tt.values, got, tt.want)
		}
	}
}
