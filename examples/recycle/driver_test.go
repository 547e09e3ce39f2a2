package main

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

// recorder is a mode that writes down what it was asked for.
type recorder struct {
	asked []int
	out   map[*byte]bool // what was given out and not given back
	t     *testing.T
}

func (m *recorder) Get(n int) []byte {
	m.asked = append(m.asked, n)
	b := make([]byte, 100+n%2*largestBuffer) // half of them too small
	m.out[&b[0]] = true
	return b
}

func (m *recorder) Give(b []byte) {
	if !m.out[&b[0]] {
		m.t.Error("a buffer was given back that was not out")
	}
	delete(m.out, &b[0])
}

func (m *recorder) Makes() int64 { return int64(len(m.asked)) }
func (m *recorder) Kept() int64  { return 0 }

// drive runs phases of 50 ms and returns what was asked for in each, and the samples.
func drive(t *testing.T, rate int) (asked [][]int, samples []sample) {
	m := &recorder{out: map[*byte]bool{}, t: t}
	const length = 50 * time.Millisecond
	phases := []phase{{steady, length, 4, rate}, {burst, length, 9, rate}, {after, length, 4, rate},
		{silence, length, 0, 0}}
	d := &driver{mode: m, seed: 5}
	d.sample = func(d *driver) error {
		if len(samples)%2 == 0 { // a phase's beginning
			asked = append(asked, nil)
		}
		asked[len(asked)-1] = append(asked[len(asked)-1], m.asked...)
		m.asked = nil
		if held := len(m.out); held != phases[len(samples)/2].live {
			t.Errorf("%d buffers are held in phase %s", held, d.phase)
		}
		samples = append(samples, sample{phase: d.phase, live: d.live, gets: d.gets, tooSmall: d.tooSmall})
		return nil
	}
	if err := d.run(context.Background(), phases); err != nil {
		t.Fatal(err)
	}
	if len(samples) != 2*len(phases) {
		t.Fatalf("%d samples of %d phases shorter than a second, expected one at each end", len(samples), len(phases))
	}
	return asked, samples
}

// TestSameSequence has the sequence of sizes depend on nothing but the seed, however far a mode comes in a phase.
func TestSameSequence(t *testing.T) {
	fast, samples := drive(t, 1000)
	slow, _ := drive(t, 200)
	for i := range fast {
		n := min(len(fast[i]), len(slow[i]))
		if !slices.Equal(fast[i][:n], slow[i][:n]) {
			t.Errorf("phase %d: sizes %v and %v", i, fast[i][:n], slow[i][:n])
		}
		for _, size := range fast[i] {
			if size < smallestBuffer || size >= largestBuffer {
				t.Errorf("a buffer of %d bytes was asked for", size)
			}
		}
	}
	if n := len(fast[3]); n > 0 {
		t.Errorf("%d buffers were asked for in the silence", n)
	}
	last := samples[len(samples)-1]
	if last.live != 0 || last.gets < 13 || last.tooSmall == 0 || last.tooSmall >= last.gets {
		t.Errorf("at the end: %+v", last)
	}
}

func TestDriverStops(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	d := &driver{mode: &recorder{out: map[*byte]bool{}, t: t}, sample: func(*driver) error { stop(); return nil }}
	if err := d.run(ctx, []phase{{silence, time.Hour, 0, 0}}); !errors.Is(err, context.Canceled) {
		t.Errorf("run returned %v, expected that it was cancelled", err)
	}
	failed := errors.New("no sample")
	d.sample = func(*driver) error { return failed }
	if err := d.run(context.Background(), []phase{{steady, time.Hour, 1, 1}}); !errors.Is(err, failed) {
		t.Errorf("run returned %v, expected the sample's error", err)
	}
}
