package modes

import (
	"math/bits"
	"sync"
)

// syncPool is what a Go program does today: a sync.Pool for each power of two. What the pools hold is dropped over two
// collections, whenever those come.
type syncPool struct {
	tally
	pools [bits.UintSize]sync.Pool // of *[]byte; pools[i] has the buffers of capacity 1<<i
}

func newSyncPool(Config) Mode { return new(syncPool) }

// sizeClass is the exponent of the smallest power of two that is n or more.
func sizeClass(n int) int { return bits.Len(uint(max(n, 1) - 1)) }

func (m *syncPool) Get(n int) []byte {
	class := sizeClass(n)
	if b, ok := m.pools[class].Get().(*[]byte); ok {
		return (*b)[:n]
	}
	return m.fresh(1 << class)[:n]
}

func (m *syncPool) Give(b []byte) { m.pools[sizeClass(cap(b))].Put(&b) }
