package buffers

import "github.com/gocmem/cmem/cmem"

// cmemHeap hands out C memory through cmem's magazines.
type cmemHeap struct{}

func newCmem() (allocator, error) { return cmemHeap{}, nil }

func (cmemHeap) alloc(n int) (Block, error) {
	b, err := cmem.TryAlloc(n)
	return Block{Bytes: b}, err
}

func (cmemHeap) free(b Block) { cmem.Free(b.Bytes) }
