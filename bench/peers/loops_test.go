package main

import (
	"strings"
	"sync"
	"testing"
)

// TestBuffers has every peer hold buffers of all its sizes: each must have the length asked for and
// bytes of its own, also after many replacements.
func TestBuffers(t *testing.T) {
	for _, p := range peers {
		if p.loops.hold == nil {
			continue
		}
		asked := newSteps(64, 256<<10)
		if p.fixed {
			size := max(p.size, 10<<10)
			asked = newSteps(size, size)
		}
		s := p.loops.hold(asked, everyPage)
		s.begin()
		if err := checkLive(s.view, asked); err != nil {
			t.Errorf("%s: %v", p.name, err)
		}
		s.run(2*holdSteps, new(sink))
		last := new(steps) // begins with what each slot was asked for last
		for _, step := range asked {
			last[step.slot].size = step.size
		}
		if err := checkLive(s.view, last); err != nil {
			t.Errorf("%s, after %d replacements: %v", p.name, 2*holdSteps, err)
		}
		s.end()
	}
}

// TestCheckLive gives it buffers that overlap, and one of a wrong length.
func TestCheckLive(t *testing.T) {
	asked := newSteps(100, 100)
	memory := make([]byte, 100*held)
	apart := func(i int) []byte { return memory[100*i:][:100] }
	if err := checkLive(apart, asked); err != nil {
		t.Errorf("buffers side by side: %v", err)
	}
	for name, view := range map[string]func(int) []byte{
		"two live buffers":              func(i int) []byte { return memory[99*i:][:100] },
		"has 99 bytes: expected 100":    func(i int) []byte { return apart(i)[:99] },
		"two live buffers at":           func(int) []byte { return apart(0) },
		"buffer 0 has 0 bytes: expecte": func(int) []byte { return nil },
	} {
		if err := checkLive(view, asked); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want %q", err, name)
		}
	}
}

// TestRing sends numbers from one goroutine to another: all arrive, in order.
func TestRing(t *testing.T) {
	const n = 100_000
	var q ring[int]
	var both sync.WaitGroup
	both.Go(func() {
		for i := range n {
			q.push(i)
		}
	})
	for i := range n {
		if got := q.pop(); got != i {
			t.Fatalf("number %d is %d", i, got)
		}
	}
	both.Wait()
}

// TestBump takes buffers from the arena in plain Go: they have the lengths asked for, and are not each other's.
func TestBump(t *testing.T) {
	var a bump
	for range 2 {
		var taken [][]byte
		for i, size := range newSizes(2000, 16, 256) {
			b := a.alloc(size)
			if len(b) != size || cap(b) != size {
				t.Fatalf("buffer %d has %d bytes, capacity %d: want %d", i, len(b), cap(b), size)
			}
			for j := range b {
				b[j] = byte(i)
			}
			taken = append(taken, b)
		}
		for i, b := range taken {
			if b[0] != byte(i) || b[len(b)-1] != byte(i) {
				t.Fatalf("buffer %d was overwritten", i)
			}
		}
		a.reset()
	}
}
