package main

import (
	"math"
	"math/bits"
	"sync"

	"github.com/gocmem/cmem/cmem"
)

// A worker allocates and frees, n times a call.
type worker interface {
	run(n int)
	close() // frees what it holds
}

// The sources of blocks. touch allocates nothing: it writes to random ones of as many blocks, which shows what of a
// cost that grows is cache misses of the program itself.
const (
	fromCmem = "cmem"
	fromPool = "classed sync.Pool"
	fromMake = "make"
	onlyGo   = "touch, no allocation"
)

// newHold makes a worker that holds live blocks of random ones of these sizes and replaces random ones.
func newHold(source string, live int, sizes []int, seed int) worker {
	h := held{sizes: sizes, random: newRandom(seed)}
	switch source {
	case fromCmem:
		w := &cmemHold{held: h, slots: make([][]byte, live)}
		for i := range w.slots {
			w.slots[i] = cmem.Alloc(w.size())
			w.slots[i][0] = 1
		}
		return w
	case fromPool:
		w := &poolHold{held: h, slots: make([]*[]byte, live)}
		for i := range w.slots {
			w.slots[i] = getPooled(w.size())
			(*w.slots[i])[0] = 1
		}
		return w
	}
	w := &goHold{held: h, slots: make([][]byte, live), touch: source == onlyGo}
	for i := range w.slots {
		w.slots[i] = make([]byte, w.size())
		w.slots[i][0] = 1
	}
	return w
}

// held is what all of them have.
type held struct {
	sizes  []int
	random random
}

func (h *held) size() int { return h.sizes[h.random.below(len(h.sizes))] }

type cmemHold struct {
	held
	slots [][]byte
}

func (h *cmemHold) run(n int) {
	for range n {
		i := h.random.below(len(h.slots))
		cmem.Free(h.slots[i])
		b := cmem.Alloc(h.size())
		b[0] = 1
		h.slots[i] = b
	}
}

func (h *cmemHold) close() {
	for _, b := range h.slots {
		cmem.Free(b)
	}
}

// pools are those of the classed sync.Pool: one a power of two. Pointers are kept in them, so that neither Get nor Put
// allocates.
var pools [bits.UintSize]sync.Pool

func getPooled(n int) *[]byte {
	class := bits.Len(uint(n - 1))
	if b, ok := pools[class].Get().(*[]byte); ok {
		*b = (*b)[:n]
		return b
	}
	b := make([]byte, n, 1<<class)
	return &b
}

func putPooled(b *[]byte) { pools[bits.Len(uint(cap(*b)-1))].Put(b) }

type poolHold struct {
	held
	slots []*[]byte
}

func (h *poolHold) run(n int) {
	for range n {
		i := h.random.below(len(h.slots))
		putPooled(h.slots[i])
		b := getPooled(h.size())
		(*b)[0] = 1
		h.slots[i] = b
	}
}

func (h *poolHold) close() {
	h.slots = nil
	for i := range pools {
		pools[i] = sync.Pool{} // not to be there at the next measurement
	}
}

type goHold struct {
	held
	slots [][]byte
	touch bool
}

func (h *goHold) run(n int) {
	if h.touch {
		for range n {
			i := h.random.below(len(h.slots))
			h.slots[i][0] = byte(h.size())
		}
		return
	}
	for range n {
		i := h.random.below(len(h.slots))
		b := make([]byte, h.size())
		b[0] = 1
		h.slots[i] = b
	}
}

func (h *goHold) close() { h.slots = nil }

// mixture draws sizes between low and high, as many of each doubling.
func mixture(low, high int) []int {
	r, all := newRandom(1), make([]int, 1024)
	for i := range all {
		f := float64(r.below(1<<20)) / (1 << 20)
		all[i] = int(float64(low) * math.Pow(float64(high)/float64(low), f))
	}
	return all
}
