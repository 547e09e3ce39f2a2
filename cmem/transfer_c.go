//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"sync/atomic"
	"unsafe"

	"github.com/gocmem/cmem/c"
)

// Where one goroutine allocates what another one frees, blocks go from the one P's cache to the
// other's through the transfer lists (c/transfer.c), without a cgo call and without a word that all
// classes share. Whoever is pinned cannot wait: where a list is full, or empty, or taken for long,
// the caller goes to central. How many blocks may lie in a list, C says.

const looks = 300 // at a list that is taken: they last about as long as a cgo call

// enter tells whether the list t is the caller's, pinned, until it calls leave.
func enter(t *c.Transfer) bool {
	for range looks {
		if atomic.LoadUint32(&t.Taken) == 0 && atomic.CompareAndSwapUint32(&t.Taken, 0, 1) {
			return true
		}
	}
	return false
}

func leave(t *c.Transfer) { atomic.StoreUint32(&t.Taken, 0) }

// send moves up to k of the oldest blocks of ch's magazine cls to the transfer list; false where it
// took none. Pinned.
func send(ch *c.Cache, cls uint, k int) bool {
	if cls-c.TransferFirst >= uint(len(c.Transfers)) {
		return false
	}
	t := &c.Transfers[cls-c.TransferFirst]
	if !enter(t) {
		return false
	}
	n := t.N
	k = copy(t.E[n:t.Most], entries(&ch.Mag[cls])[:k])
	t.N = n + uint32(k)
	leave(t)
	drop(ch, cls, k)
	ch.Sent += int64(k) * int64(classSize[cls])
	return k > 0
}

// receive moves the newest blocks of the transfer list to ch's magazine cls, which is empty: as
// many as ch has room for, one at least. It tells whether there was any. Pinned.
func receive(ch *c.Cache, cls uint) bool {
	if cls-c.TransferFirst >= uint(len(c.Transfers)) {
		return false
	}
	t := &c.Transfers[cls-c.TransferFirst]
	if atomic.LoadUint32(&t.N) == 0 || !enter(t) {
		return false
	}
	m, size := &ch.Mag[cls], int64(classSize[cls])
	k := uint32(min(max(ch.Room, 0)/size+1, c.TransferReceive, int64(t.N)))
	copy(unsafe.Slice(at[c.Entry](m.Base), k), t.E[t.N-k:t.N])
	t.N -= k
	t.Low = min(t.Low, t.N)
	leave(t)
	m.Top += uintptr(k) * entrySize
	ch.Room -= int64(k) * size
	ch.Sent -= int64(k) * size
	return k > 0
}

// entries is the blocks of m, the oldest first.
func entries(m *c.Magazine) []c.Entry {
	return unsafe.Slice(at[c.Entry](m.Base), (m.Top-m.Base)/entrySize)
}
