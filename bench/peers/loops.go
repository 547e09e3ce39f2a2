package main

import (
	"math/rand/v2"
	"runtime"
	"sync/atomic"
)

//go:generate go run ./gen

// loops makes a peer's sessions, one maker for each workload that it can do. The makers are not
// inlined, because the compiler would not inline what is called in the copy of a closure, Alloc and
// Free among it, as it does in users' code.
type loops struct {
	pair, touch, handoff, handle func(size int) session
	hold                         func(s *steps, stride int) session // a byte in stride is written, and the last
	burst, arena                 func(sizes []int) session
}

// A session is a peer at a workload. What is nil is not needed.
type session struct {
	begin  func()                    // before the first turn
	run    func(ops int, keep *sink) // goroutines may be in run at the same time, each with its own sink
	settle func()                    // after each turn
	end    func()                    // after the last turn
	view   func(i int) []byte        // hold: the buffer in slot i, between begin and end
}

// A sink keeps each buffer from being found useless; no two are in a cache line, nor in the pair
// that is fetched together.
type sink struct {
	b []byte
	_ [104]byte
}

const (
	cacheLine = 64
	held      = 32      // live buffers in hold
	holdSteps = 1 << 12 // the sequence of replacements; 32 KiB, read in order
	bursting  = 4000    // live buffers in burst
	served    = 256     // buffers of one life of an arena
	ringSize  = 32      // buffers on their way in hand-off: 256 MiB at the most

	everyPage = 4 << 10 // strides of hold
	onlyEnds  = 1 << 30
)

// A step of hold: the buffer in the slot is replaced by one of this size.
type step struct{ size, slot uint32 }

type steps [holdSteps]step

// seed of all random choices: every peer and every run sees the same sizes.
const seed = 1

// touchLines writes v to a byte of each cache line of p. All peers run this one loop: it takes half
// as long again or twice as long, a line, where it comes to lie across a boundary of the
// processor's cache of decoded instructions, which is the linker's to say.
//
//go:noinline
func touchLines(p []byte, v byte) {
	for i := 0; i < len(p); i += cacheLine {
		p[i] = v
	}
}

// newSteps returns random replacements by buffers of low to high bytes, all sizes as likely.
func newSteps(low, high int) *steps {
	random := rand.New(rand.NewPCG(seed, uint64(high)))
	s := new(steps)
	for i := range s {
		s[i] = step{size: uint32(low + random.IntN(high-low+1)), slot: uint32(random.IntN(held))}
	}
	return s
}

// newSizes returns n random sizes of low to high bytes.
func newSizes(n, low, high int) []int {
	random := rand.New(rand.NewPCG(seed, uint64(high)))
	sizes := make([]int, n)
	for i := range sizes {
		sizes[i] = low + random.IntN(high-low+1)
	}
	return sizes
}

// A ring is a queue from one goroutine to another. Each side yields its P where it has to wait.
type ring[T any] struct {
	slots [ringSize]T
	_     [128]byte
	head  uint64 // the next to push; the producer's, as is taken
	taken uint64 // what popped was when it was last looked at
	_     [128]byte
	tail  uint64 // the next to pop; the consumer's, as is given
	given uint64 // what pushed was when it was last looked at
	_     [128]byte

	pushed atomic.Uint64
	_      [128]byte
	popped atomic.Uint64
}

func (r *ring[T]) push(v T) {
	for r.head-r.taken == uint64(len(r.slots)) {
		if r.taken = r.popped.Load(); r.head-r.taken == uint64(len(r.slots)) {
			runtime.Gosched()
		}
	}
	r.slots[r.head%uint64(len(r.slots))] = v
	r.head++
	r.pushed.Store(r.head)
}

func (r *ring[T]) pop() T {
	for r.tail == r.given {
		if r.given = r.pushed.Load(); r.tail == r.given {
			runtime.Gosched()
		}
	}
	v := r.slots[r.tail%uint64(len(r.slots))]
	r.tail++
	r.popped.Store(r.tail)
	return v
}
