package main

import (
	"math/bits"
	"sync"

	"github.com/gocmem/cmem/cmem"
)

// A heap is where buffers of one size come from.
type heap[B any] struct {
	get   func() B
	put   func(B)
	bytes func(B) []byte
}

func cmemHeap(size int) heap[[]byte] {
	return heap[[]byte]{
		get:   func() []byte { return cmem.Alloc(size) },
		put:   cmem.Free,
		bytes: func(b []byte) []byte { return b },
	}
}

func poolHeap(size int) heap[*[]byte] {
	pool := poolOf(size)
	return heap[*[]byte]{
		get:   func() *[]byte { return pool.Get().(*[]byte) },
		put:   func(b *[]byte) { pool.Put(b) },
		bytes: func(b *[]byte) []byte { return *b },
	}
}

// poolOf is the process's only pool of this size. It keeps pointers to slices, so that neither Get nor Put allocates.
func poolOf(size int) *sync.Pool {
	if p, ok := pools.Load(size); ok {
		return p.(*sync.Pool)
	}
	p, _ := pools.LoadOrStore(size, &sync.Pool{New: func() any {
		b := make([]byte, size)
		return &b
	}})
	return p.(*sync.Pool)
}

var pools sync.Map // of *sync.Pool by size

// classed are a sync.Pool for each power of two, as services write them.
type classed [bits.UintSize]sync.Pool

func (p *classed) get(n int) *[]byte {
	class := bits.Len(uint(n - 1))
	if b, ok := p[class].Get().(*[]byte); ok {
		*b = (*b)[:n]
		return b
	}
	b := make([]byte, n, 1<<class)
	return &b
}

func (p *classed) put(b *[]byte) { p[bits.Len(uint(cap(*b)-1))].Put(b) }

// touch writes a byte of each page of b, and the last one.
func touch(b []byte) {
	for i := 0; i < len(b); i += 4096 {
		b[i] = 1
	}
	b[len(b)-1] = 1
}

// read reads a byte of each cache line of b.
func read(b []byte) (sum int) {
	for i := 0; i < len(b); i += 64 {
		sum += int(b[i])
	}
	return sum
}
