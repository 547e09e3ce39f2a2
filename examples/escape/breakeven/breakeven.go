// Package breakeven measures what a buffer costs that is allocated, written and done with: by make,
// by a sync.Pool for this one size, and by cmem.
//
//	go test -run '^$' -bench . ./examples/escape/breakeven
//
// The benchmarks' names are what benchstat makes tables of; docs/replacing-make.md has one, and the command.
package breakeven

import (
	"sync"

	"github.com/gocmem/cmem/cmem"
)

// sink keeps each buffer from being found useless, or put on the stack.
var sink []byte

// A user takes a buffer of size bytes, copies body to it, and lets go of it, `rounds` times.
type user func(rounds, size int, body []byte)

// users are the three, each with a loop of its own, as nothing is inlined through a function value.
var users = []struct {
	by  string
	use user
}{{"make", useMake}, {"pool", usePool}, {"cmem", useCmem}}

func useMake(rounds, size int, body []byte) {
	for range rounds {
		b := make([]byte, size)
		copy(b, body)
		sink = b
	}
	sink = nil
}

// usePool has pointers in its pool, so that Put does not allocate.
func usePool(rounds, size int, body []byte) {
	pool := sync.Pool{New: func() any {
		b := make([]byte, size)
		return &b
	}}
	for range rounds {
		b := pool.Get().(*[]byte)
		copy(*b, body)
		sink = *b
		pool.Put(b)
	}
	sink = nil
}

func useCmem(rounds, size int, body []byte) {
	for range rounds {
		b := cmem.Alloc(size)
		copy(b, body)
		sink = b
		cmem.Free(b)
	}
	sink = nil
}

// A node is a small object with pointers, as most of a service's heap is.
type node struct {
	left, right *node
	payload     [6]uint64
}

const nodeSize = 64

// tree makes a tree of n nodes: a live heap for the collector to go through.
func tree(n int) *node {
	if n <= 0 {
		return nil
	}
	return &node{left: tree((n - 1) / 2), right: tree(n - 1 - (n-1)/2)}
}
