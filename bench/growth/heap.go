package main

import (
	"fmt"
	"runtime"
	"slices"
	"unsafe"

	"github.com/gocmem/cmem/cmem"
)

// times does f n times.
func times(f func()) func(n int) {
	return func(n int) {
		for range n {
			f()
		}
	}
}

// alone sees to it that the heap stays as the measurement has made it: the background scavenger
// rests, and there is one P, as blocks that stay in the magazine of another would break up a
// stretch of free ones.
func alone() {
	cmem.SetIdleLimit(0)
	runtime.GOMAXPROCS(1)
}

// A batch allocates so many blocks and then frees them all, in a random order: far more than a
// magazine holds, so that the page heap serves most of them. They are not written to.
type batch struct {
	size   int
	blocks [][]byte
	order  []int
}

func newBatch(size, blocks int) *batch {
	return &batch{size, make([][]byte, blocks), permutation(blocks)}
}

func (b *batch) run() {
	for i := range b.blocks {
		b.blocks[i] = cmem.Alloc(b.size)
	}
	for _, i := range b.order {
		cmem.Free(b.blocks[i])
	}
}

// batchCost is the cost of a block of the batch.
func (c *config) batchCost(b *batch) float64 {
	return c.cost(times(b.run)) / float64(len(b.blocks))
}

func permutation(n int) []int {
	all, r := make([]int, n), newRandom(n)
	for i := range all {
		j := r.below(i + 1)
		all[i], all[j] = all[j], i
	}
	return all
}

func address(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }

func byAddress(blocks [][]byte) {
	slices.SortFunc(blocks, func(a, b []byte) int {
		if address(a) < address(b) {
			return -1
		}
		return 1
	})
}

func free(blocks [][]byte) {
	for _, b := range blocks {
		cmem.Free(b)
	}
}

// regionBytes is the length of an ordinary region: a longer block gets one of its own.
const regionBytes = 32<<20 + 64<<10

// A filled region has one block beside the other from its beginning to its end.
type filled struct {
	blocks [][]byte // by address
	others [][]byte // blocks that went elsewhere meanwhile
}

// fill makes a region of at least n blocks of that size, which divides it, and fills it: a long block makes the region.
func fill(n, size int) (*filled, error) {
	length := max(n*size, regionBytes)
	length += (size - length%size) % size
	big := cmem.Alloc(length)
	lo, hi := address(big), address(big)+uintptr(length)
	cmem.Free(big)
	f := new(filled)
	for want := length / size; len(f.blocks) < want; {
		if len(f.others) > 4*regionBytes/size+want {
			return nil, fmt.Errorf("%d blocks of %d B did not fill a free region: %d are elsewhere", want, size, len(f.others))
		}
		b := cmem.Alloc(size)
		if a := address(b); a >= lo && a < hi {
			f.blocks = append(f.blocks, b)
		} else {
			f.others = append(f.others, b)
		}
	}
	byAddress(f.blocks)
	return f, nil
}

// flushMagazine drives blocks of that size out of the magazine and into the page heap.
func flushMagazine(size int) {
	const more = 128
	blocks := make([][]byte, more)
	for i := range blocks {
		blocks[i] = cmem.Alloc(size)
	}
	free(blocks)
}

func (f *filled) free() {
	free(f.blocks)
	free(f.others)
	cmem.Scavenge()
}
