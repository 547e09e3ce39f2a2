package buffers

import (
	"math/bits"
	"sync"
)

const (
	minPoolShift = 12 // the smallest pooled buffer is 4 KiB
	maxPoolShift = 24 // the largest 16 MiB; what is larger is the collector's
)

// pool is sync.Pool as services commonly wrap it for buffers of many sizes: one
// for each power of two.
type pool struct {
	classes [maxPoolShift - minPoolShift + 1]sync.Pool
}

// pooled is a buffer that went through a pool. It is kept by pointer because a
// slice put into a sync.Pool would be boxed anew each time.
type pooled struct {
	class int
	bytes []byte
}

func newPool() (allocator, error) { return new(pool), nil }

func (p *pool) alloc(n int) (Block, error) {
	shift := max(minPoolShift, bits.Len(uint(max(n, 1)-1)))
	if shift > maxPoolShift {
		return Block{Bytes: make([]byte, n)}, nil
	}
	class := shift - minPoolShift
	b, ok := p.classes[class].Get().(*pooled)
	if !ok {
		b = &pooled{class: class, bytes: make([]byte, 1<<shift)}
	}
	return Block{Bytes: b.bytes[:n], handle: b}, nil
}

func (p *pool) free(b Block) {
	if pb, ok := b.handle.(*pooled); ok {
		p.classes[pb.class].Put(pb)
	}
}
