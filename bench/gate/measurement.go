package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/gocmem/cmem/bench/internal/bench"
	"github.com/gocmem/cmem/internal/ending"
)

// A measurement is a run of one of the benchmarks, in a process of its own. It may tell several costs.
type measurement struct {
	name string
	args []string // the benchmark and its arguments; {} is the side's folder
	ops  []int    // of bench_alloc: operations of each round; the first round is no part of the result
	// costs takes the costs from what the benchmark printed.
	costs func(m *measurement, out []byte) ([]cost, error)
}

// A cost is lower where things are better.
type cost struct {
	name, unit string
	value      float64
}

// A pair of series is a cost as both sides had it, turn by turn.
type pair struct {
	name, unit string
	base, now  []float64
}

var measurements = []*measurement{
	inC("pair, C, 64 B", 4_000_000, "pair", "--size", "64"),
	inC("pair, C, 64 KiB", 4_000_000, "pair", "--size", "65536"),
	inC("pair, C, 1 MiB", 4_000_000, "pair", "--size", "1048576"),
	inC("pair, C, 20 MiB", 1_000_000, "pair", "--size", "20971520"),
	inC("hold, C", 40_000, "hold", "--pages"),
	inC("hold, C, 8 threads", 40_000, "hold", "--pages", "--threads", "8"),
	inC("producer and consumer, C, 64 B", 1_000_000, "pc", "--size", "64"),
	instructions("instructions, C, pair 64 B", 100_000, "pair", "--size", "64"),
	instructions("instructions, C, pair 20 MiB", 20_000, "pair", "--size", "20971520"),
	instructions("instructions, C, hold 64 B-32 KiB", 100_000, "hold", "--min", "64", "--max", "32768"),
	inGo("pair"), inGo("hold"), inGo("hand-off"), inGo("handle"), inGo("arena"),
	footprint("lognormal", "CPU", "(RSS-start)/live"),
	footprint("body", "CPU", "(RSS-start)/live"),
}

// pairs lets the two sides take turns.
func (m *measurement) pairs(ctx context.Context, base, now side, n int) ([]*pair, error) {
	var all []*pair
	add := func(s side, to func(p *pair) *[]float64) error {
		costs, err := m.run(ctx, s)
		if err != nil {
			return err
		}
		for i, c := range costs {
			if len(all) == i {
				all = append(all, &pair{name: c.name, unit: c.unit})
			}
			values := to(all[i])
			*values = append(*values, c.value)
		}
		return nil
	}
	ofBase := func(p *pair) *[]float64 { return &p.base }
	ofNow := func(p *pair) *[]float64 { return &p.now }
	for i := range n {
		first, second := base, now
		toFirst, toSecond := ofBase, ofNow
		if i%2 == 1 {
			first, second, toFirst, toSecond = now, base, ofNow, ofBase
		}
		if err := add(first, toFirst); err != nil {
			return nil, err
		}
		if err := add(second, toSecond); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// result is the file to which benchmarks write that have something else to print.
const result = "{}/result"

func (m *measurement) run(ctx context.Context, s side) ([]cost, error) {
	args := make([]string, len(m.args))
	for i, a := range m.args {
		args[i] = strings.ReplaceAll(a, "{}", s.bin)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.WaitDelay = time.Second
	ending.Bind(cmd)
	var rounds, stderr strings.Builder
	for _, n := range m.ops {
		fmt.Fprintln(&rounds, n)
	}
	cmd.Stdin, cmd.Stderr = strings.NewReader(rounds.String()), &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, stderr.String())
	}
	if slices.ContainsFunc(m.args, func(a string) bool { return strings.HasSuffix(a, result) }) {
		if out, err = os.ReadFile(strings.ReplaceAll(result, "{}", s.bin)); err != nil {
			return nil, err
		}
	}
	return m.costs(m, out)
}

// inC measures a workload of bench_alloc: ns an operation, the median of five rounds after one that warms up.
func inC(name string, ops int, args ...string) *measurement {
	rounds := []int{ops / 8, ops / 5, ops / 5, ops / 5, ops / 5, ops / 5}
	return &measurement{name: name, args: append([]string{"{}/bench_alloc", "cmem"}, args...), ops: rounds,
		costs: roundTimes}
}

func roundTimes(m *measurement, out []byte) ([]cost, error) {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	var ns []float64
	for _, line := range lines[min(2, len(lines)):] { // the first says whose malloc it is, the second is of the warm-up
		var r struct {
			Ops int
			NS  float64
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
		ns = append(ns, r.NS/float64(r.Ops))
	}
	if len(ns) != len(m.ops)-1 {
		return nil, fmt.Errorf("%d rounds in %q, expected %d", len(ns), out, len(m.ops)-1)
	}
	return []cost{{m.name, "ns", bench.Median(ns)}}, nil
}

// instructions counts the instructions of ops operations and of the program around them.
func instructions(name string, ops int, args ...string) *measurement {
	args = append([]string{"valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=" + result,
		"{}/bench_alloc", "cmem"}, args...)
	return &measurement{name: name, args: args, ops: []int{ops}, costs: func(m *measurement, out []byte) ([]cost, error) {
		_, after, ok := strings.Cut(string(out), "\nsummary: ")
		var n float64
		if _, err := fmt.Sscan(after, &n); !ok || err != nil {
			return nil, fmt.Errorf("no summary in cachegrind's output %q", out)
		}
		return []cost{{m.name, "1/op", n / float64(ops)}}, nil
	}}
}

// inGo measures a workload of bench/peers, at each of its sizes.
func inGo(workload string) *measurement {
	return &measurement{
		name: workload + ", Go",
		args: []string{"{}/peers", "-only", workload, "-peers", "cmem", "-rounds", "5", "-silence", "0", "-json", result},
		costs: func(m *measurement, out []byte) ([]cost, error) {
			var r struct {
				Results []struct {
					Size, Low, High, Goroutines int
					Entries                     []struct {
						Peer string
						NS   float64
					}
				}
			}
			if err := json.Unmarshal(out, &r); err != nil {
				return nil, err
			}
			var costs []cost
			for _, at := range r.Results {
				name := m.name + ", " + bench.SizeName(at.Size)
				if at.High > 0 {
					name = fmt.Sprintf("%s, %s-%s", m.name, bench.SizeName(at.Low), bench.SizeName(at.High))
				}
				if at.Goroutines > 1 {
					name += fmt.Sprintf(", %d goroutines", at.Goroutines)
				}
				for _, e := range at.Entries {
					if e.Peer == "cmem" {
						costs = append(costs, cost{name, "ns", e.NS})
					}
				}
			}
			return costs, nil
		},
	}
}

// footprint measures figures of a load of bench/footprint.
func footprint(load string, names ...string) *measurement {
	return &measurement{
		name: load + ", Go",
		args: []string{"{}/footprint", "-modes", "cmem", "-runs", "1", "-seconds", "5", "-json", result, load},
		costs: func(m *measurement, out []byte) ([]cost, error) {
			var r struct {
				Trials []struct {
					Figures []struct {
						Name, Unit string
						Value      float64
					}
				}
			}
			if err := json.Unmarshal(out, &r); err != nil {
				return nil, err
			}
			var costs []cost
			for _, f := range r.Trials[0].Figures {
				for _, name := range names {
					if f.Name == name {
						costs = append(costs, cost{m.name + ", " + name, f.Unit, f.Value})
					}
				}
			}
			return costs, nil
		},
	}
}
