package main

import (
	"fmt"
	"math/bits"
	"sync"
	"unsafe"

	"github.com/gocmem/cmem/cmem"
)

// A source is where buffers come from. None allocates anything but buffers.
type source interface {
	get(n int) []byte // len n, contents undefined
	put(b []byte)     // what get returned
}

func newSource(mode string) (source, error) {
	switch mode {
	case modeMake:
		return goHeap{}, nil
	case modePool:
		return new(pools), nil
	case modeRaw, modeArena, modeJemalloc:
		return newRaw()
	case modeCmem:
		return cHeap{}, nil
	}
	return nil, fmt.Errorf("there is no source of buffers %q", mode)
}

type goHeap struct{}

func (goHeap) get(n int) []byte { return make([]byte, n) }
func (goHeap) put([]byte)       {}

// pools is what services write today: a sync.Pool for each power of two, from 64 B to 16 MiB. They
// hold pointers to the first byte, as a slice in an interface would be an allocation for each put.
type pools [largestPool + 1]sync.Pool

// Logarithms of the pools' sizes.
const smallestPool, largestPool = 6, 24

func (p *pools) get(n int) []byte {
	class := max(bits.Len(uint(n-1)), smallestPool)
	if class > largestPool {
		return make([]byte, n)
	}
	if first, ok := p[class].Get().(*byte); ok {
		return unsafe.Slice(first, 1<<class)[:n]
	}
	return make([]byte, 1<<class)[:n]
}

func (p *pools) put(b []byte) {
	if class := bits.Len(uint(cap(b) - 1)); class <= largestPool {
		p[class].Put(unsafe.SliceData(b))
	}
}

type cHeap struct{}

func (cHeap) get(n int) []byte { return cmem.Alloc(n) }
func (cHeap) put(b []byte)     { cmem.Free(b) }
