package main

import (
	"math/bits"
	"sync"

	"github.com/valyala/bytebufferpool"
	"google.golang.org/grpc/mem"
	"modernc.org/memory"
)

// newPool returns a bare pool of buffers of one size. It keeps pointers to slices, so that neither
// Get nor Put allocates.
func newPool(size int) *sync.Pool {
	return &sync.Pool{New: func() any {
		b := make([]byte, size)
		return &b
	}}
}

// A classedPool is what services write by hand: a sync.Pool for each power of two.
type classedPool [64]sync.Pool

func (p *classedPool) get(n int) *[]byte {
	class := bits.Len(uint(n - 1))
	if b, ok := p[class].Get().(*[]byte); ok {
		*b = (*b)[:n]
		return b
	}
	b := make([]byte, n, 1<<class)
	return &b
}

func (p *classedPool) put(b *[]byte) { p[bits.Len(uint(cap(*b)-1))].Put(b) }

// sized makes b one of n bytes, as users of bytebufferpool must: what Get returns is empty and of any capacity.
func sized(b *bytebufferpool.ByteBuffer, n int) *bytebufferpool.ByteBuffer {
	if cap(b.B) < n {
		b.B = make([]byte, n)
	}
	b.B = b.B[:n]
	return b
}

// newGRPCPool returns grpc's pool with a tier for each power of two from 64 B to 8 MiB. Its default
// has five tiers, which would make 40 KiB a buffer of 1 MiB.
func newGRPCPool() mem.BufferPool {
	var exponents []uint8
	for e := uint8(6); e <= 23; e++ {
		exponents = append(exponents, e)
	}
	pool, err := mem.NewBinaryTieredBufferPool(exponents...)
	if err != nil {
		panic(err)
	}
	return pool
}

// A lockedHeap is memory.Allocator, which is for one goroutine, for several.
type lockedHeap struct {
	mu   sync.Mutex
	heap memory.Allocator
}

// modernc is one for all, so that reset can unmap what it has mapped: the collector does not.
var modernc lockedHeap

func (h *lockedHeap) malloc(n int) []byte {
	h.mu.Lock()
	b, err := h.heap.Malloc(n)
	h.mu.Unlock()
	if err != nil {
		panic(err)
	}
	return b
}

func (h *lockedHeap) free(b []byte) {
	h.mu.Lock()
	err := h.heap.Free(b)
	h.mu.Unlock()
	if err != nil {
		panic(err)
	}
}

// reset unmaps everything; no buffer may be live.
func (h *lockedHeap) reset() {
	if err := h.heap.Close(); err != nil {
		panic(err)
	}
}
