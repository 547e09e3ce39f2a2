package main

import (
	"errors"
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

// bufferModes are the modes of the loads that compare sources.
var bufferModes = []string{"make", "pool", "raw", "cmem"}

var errNoRaw = errors.New("mode raw is C's malloc: it needs a build with cgo (CGO_ENABLED=1)")

func newSource(mode string) (source, error) {
	switch mode {
	case "make":
		return goHeap{}, nil
	case "pool":
		return new(pools), nil
	case "raw":
		return newRaw()
	case "cmem":
		return cHeap{}, nil
	}
	return nil, fmt.Errorf("there is no source of buffers %q", mode)
}

type goHeap struct{}

func (goHeap) get(n int) []byte { return make([]byte, n) }
func (goHeap) put([]byte)       {}

// pools is what services write today: a sync.Pool for each power of two. They hold pointers to the first byte, as a slice
// in an interface would be an allocation for each put.
type pools [64]sync.Pool

func (p *pools) get(n int) []byte {
	class := bits.Len(uint(n - 1))
	if first, ok := p[class].Get().(*byte); ok {
		return unsafe.Slice(first, 1<<class)[:n]
	}
	return make([]byte, 1<<class)[:n]
}

func (p *pools) put(b []byte) { p[bits.Len(uint(cap(b)-1))].Put(unsafe.SliceData(b)) }

type cHeap struct{}

func (cHeap) get(n int) []byte { return cmem.Alloc(n) }
func (cHeap) put(b []byte)     { cmem.Free(b) }
