package main

import (
	"sync"

	"github.com/gocmem/cmem/cmem"
)

// The sides of arena: an operation is a request, which takes a buffer of each of the sizes and
// gives back all of them at once.

//go:noinline
func cmemArena(sizes []int) session {
	var a cmem.Arena
	return session{
		begin: func() { a = cmem.NewArena() },
		run: func(ops int, keep *sink) {
			a := a // a local, as in users' code and as the peers' are
			for i := range ops {
				for _, size := range sizes {
					b := a.Alloc(size)
					b[0] = byte(i)
					keep.b = b
				}
				a.Reset()
			}
		},
		end: func() { a.Free() },
	}
}

//go:noinline
func madeArena(sizes []int) session {
	return session{run: func(ops int, keep *sink) {
		for i := range ops {
			for _, size := range sizes {
				b := make([]byte, size)
				b[0] = byte(i)
				keep.b = b
			}
		}
	}}
}

//go:noinline
func bumpArena(sizes []int) session {
	return session{run: func(ops int, keep *sink) {
		for i := range ops {
			a := bumps.Get().(*bump)
			for _, size := range sizes {
				b := a.alloc(size)
				b[0] = byte(i)
				keep.b = b
			}
			a.reset()
			bumps.Put(a)
		}
	}}
}

// A bump is an arena as one writes it in plain Go: chunks of which slices are cut. It checks nothing, and a lost one is
// the collector's.
type bump struct {
	chunks [][]byte
	used   int    // chunks
	rest   []byte // of the last of them
}

const bumpChunk = 64 << 10

var bumps = sync.Pool{New: func() any { return new(bump) }}

// alloc returns n bytes, aligned to 16 as cmem's arena does; n is at most bumpChunk.
func (a *bump) alloc(n int) []byte {
	step := (n + 15) &^ 15
	if step > len(a.rest) {
		a.grow()
	}
	b := a.rest[:n:n]
	a.rest = a.rest[step:]
	return b
}

func (a *bump) grow() {
	if a.used == len(a.chunks) {
		a.chunks = append(a.chunks, make([]byte, bumpChunk))
	}
	a.rest = a.chunks[a.used]
	a.used++
}

func (a *bump) reset() { a.used, a.rest = 0, nil }
