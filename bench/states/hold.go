package main

import (
	"math/rand/v2"

	"github.com/gocmem/cmem/cmem"
)

// live is how many buffers hold holds.
const live = 32

// A step is a replacement: the buffer in the slot by one of this size.
type step struct{ size, slot uint32 }

// steps are random, and the same for both sides: drawing them is not to be measured.
type steps [1 << 12]step

func newSteps(low, high int) *steps {
	random, s := rand.New(rand.NewPCG(1, 1)), new(steps)
	for i := range s {
		s[i] = step{uint32(low + random.IntN(high-low+1)), uint32(random.IntN(live))}
	}
	return s
}

type cmemHold struct {
	slots [live][]byte
	steps *steps
	at    int
}

func (h *cmemHold) run(n int) {
	for range n {
		s := h.steps[h.at%len(h.steps)]
		h.at++
		if b := h.slots[s.slot]; b != nil {
			cmem.Free(b)
		}
		b := cmem.Alloc(int(s.size))
		touch(b)
		h.slots[s.slot] = b
	}
}

type poolHold struct {
	pool  classed
	slots [live]*[]byte
	steps *steps
	at    int
}

func (h *poolHold) run(n int) {
	for range n {
		s := h.steps[h.at%len(h.steps)]
		h.at++
		if b := h.slots[s.slot]; b != nil {
			h.pool.put(b)
		}
		b := h.pool.get(int(s.size))
		touch(*b)
		h.slots[s.slot] = b
	}
}

func holdSides(tc testcase) []side {
	s := newSteps(tc.Low, tc.High)
	ours, theirs := &cmemHold{steps: s}, &poolHold{steps: s}
	of := func(run func(int)) side { return side{enter: nothing, run: run, least: 4 * live, warm: 4, times: 10} }
	return []side{of(ours.run), of(theirs.run)}
}
