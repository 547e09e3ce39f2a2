// Package buffers hands out the memory that holds the proxy's bodies, from one
// of four allocators behind one interface, and counts what is out.
package buffers

import (
	"fmt"
	"strings"
	"sync/atomic"
)

// A Block is memory for one body. It belongs to whoever got it from Heap.Alloc
// until it is handed on, and its last owner gives it to Heap.Free, once. Bytes
// must not be used after that.
type Block struct {
	Bytes  []byte // not zeroed
	handle any    // the allocator's own, such as what it puts back into its pool
}

// allocator is what each of the four provides. Both methods may be called from
// any goroutine.
type allocator interface {
	alloc(n int) (Block, error)
	free(b Block)
}

// makers holds a constructor for each allocator's name. It fails where the
// build lacks what the allocator needs.
var makers = map[string]func() (allocator, error){
	"make": newGoHeap,
	"pool": newPool,
	"raw":  newRaw,
	"cmem": newCmem,
}

// Names lists the allocators, the garbage-collected baseline first.
func Names() []string { return []string{"make", "pool", "raw", "cmem"} }

// Heap is one of the allocators with counters around it. The counters count the
// bytes asked for, not what the allocator takes for them, and so mean the same
// for all four.
type Heap struct {
	name      string
	impl      allocator
	liveBytes atomic.Int64
	allocs    atomic.Uint64
	frees     atomic.Uint64
}

// New returns a heap over the allocator with the given name, one of Names.
func New(name string) (*Heap, error) {
	construct, ok := makers[name]
	if !ok {
		return nil, fmt.Errorf("unknown allocator %q: expected one of %s", name, strings.Join(Names(), ", "))
	}
	impl, err := construct()
	if err != nil {
		return nil, fmt.Errorf("allocator %q: %w", name, err)
	}
	return &Heap{name: name, impl: impl}, nil
}

// Name returns the allocator's name.
func (h *Heap) Name() string { return h.name }

// Alloc returns a block of n bytes.
func (h *Heap) Alloc(n int) (Block, error) {
	b, err := h.impl.alloc(n)
	if err != nil {
		return Block{}, fmt.Errorf("allocate %d bytes by %s: %w", n, h.name, err)
	}
	h.allocs.Add(1)
	h.liveBytes.Add(int64(n))
	return b, nil
}

// Free gives a block back. b.Bytes must have the length it came with.
func (h *Heap) Free(b Block) {
	h.liveBytes.Add(-int64(len(b.Bytes)))
	h.impl.free(b)
	h.frees.Add(1)
}

// Counts is what a heap has out, and what it has done since it began.
type Counts struct {
	LiveBytes  int64
	LiveBlocks int64
	Allocs     uint64
	Frees      uint64
}

// Counts returns the counters. Each is exact; they are not read at one instant.
func (h *Heap) Counts() Counts {
	frees := h.frees.Load() // before allocs, so that LiveBlocks is never negative
	allocs := h.allocs.Load()
	return Counts{
		LiveBytes:  h.liveBytes.Load(),
		LiveBlocks: int64(allocs - frees),
		Allocs:     allocs,
		Frees:      frees,
	}
}
