//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"sync/atomic"
	"unsafe"

	"github.com/gocmem/cmem/c"
)

// The transfer lists (c/transfer.c), from Go. Where one goroutine frees what another one allocates,
// blocks go through them from one P's cache to another's, without a cgo call and without a word
// that all classes share. A pinned goroutine cannot wait. So where a list is full, empty, or taken
// for long, the caller goes to the central lists instead. C says how many blocks may lie in a list.

// looks is how often enter looks at a list that somebody is in: about as long as a cgo call takes.
const looks = 300

// enter tries to take the list t, which is then the caller's until leave. Pinned.
func enter(t *c.Transfer) bool {
	for range looks {
		if atomic.LoadUint32(&t.Taken) == 0 && atomic.CompareAndSwapUint32(&t.Taken, 0, 1) {
			return true
		}
	}
	return false
}

func leave(t *c.Transfer) { atomic.StoreUint32(&t.Taken, 0) }

// send moves up to k of the oldest blocks of ch's magazine cls to the class's transfer list. It
// returns false where it moved none. Pinned.
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

// receive moves the newest blocks of the class's transfer list to ch's magazine cls, which is
// empty: one, and as many more as ch has room for, TransferReceive at most. It returns false where
// it moved none. Pinned.
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
