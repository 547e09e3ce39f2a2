package main

import (
	"sync"

	"github.com/gocmem/cmem/bench/internal/bench"
	"github.com/gocmem/cmem/cmem"
)

// fromBare is a sync.Pool of one size.
const fromBare = "sync.Pool"

// A pair allocates a block, writes its first byte and frees it. The loops are written out, so that Alloc and Free are
// inlined into them as into users' code.
type pair struct {
	source string
	size   int
	pool   *sync.Pool
	last   []byte // keeps each block from being found useless
}

func newPair(source string, size int, pool *sync.Pool) *pair {
	return &pair{source: source, size: size, pool: pool}
}

func newPool(size int) *sync.Pool {
	return &sync.Pool{New: func() any {
		b := make([]byte, size)
		return &b
	}}
}

func (p *pair) run(n int) {
	switch p.source {
	case fromCmem:
		for range n {
			b := cmem.Alloc(p.size)
			b[0] = 1
			cmem.Free(b)
		}
	case fromBare:
		for range n {
			b := p.pool.Get().(*[]byte)
			(*b)[0] = 1
			p.pool.Put(b)
		}
	case fromMake:
		for range n {
			b := make([]byte, p.size)
			b[0] = 1
			p.last = b
		}
	}
}

func (p *pair) close() { p.last = nil }

func sizes(c *config, r *result) error {
	ch := r.chart("a pair by size", "bytes of a block")
	ch.Bytes = true
	for n := 16; n <= max(c.limit(), 16); n *= 2 {
		pool := newPool(n)
		for _, source := range []string{fromCmem, fromBare, fromMake} {
			p := newPair(source, n, pool)
			ch.add(source, n, c.cost(p.run))
			p.close()
		}
		cmem.Scavenge()
	}
	r.Notes = append(r.Notes,
		"blocks above "+bench.SizeName(16<<20)+" are of no size class: each is a span of its own, from the page heap to "+
			"the page heap")
	return nil
}
