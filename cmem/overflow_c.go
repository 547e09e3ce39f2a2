//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"github.com/gocmem/cmem/c"
)

// The slow path of a free: the magazine is full, or the cache, or no magazine takes such blocks.
// The oldest blocks leave the cache, half a magazine at a time: to transfer lists, and where those
// take no more to the central lists.

// freeSlow frees a block when the magazine is full, or the cache has no room, or there is none.
func freeSlow(cls uint, e c.Entry) {
	if cacheless {
		freeOther(e.Block)
		return
	}
	*at[uint8](e.Tag) = c.TagCached
	pid := procPin()
	ch := myCache(pid)
	passed, cramped := false, false
	if ch != nil {
		adopt(pid, ch)
		full := ch.Room <= 0
		passed = pass(ch, cls, e)
		cramped = passed && full && countOverflow(pid)
	}
	procUnpin()
	if !passed {
		freeFull(cls, e)
	}
	if cramped {
		raiseLimit()
	}
}

// pass puts e, of class cls, into ch, and what must leave it for that into transfer lists; false
// where those have no room. Pinned.
func pass(ch *c.Cache, cls uint, e c.Entry) bool {
	m := &ch.Mag[cls]
	if m.Top == m.End && send(ch, cls, half(m)) == 0 {
		return false
	}
	for ch.Room <= 0 {
		from, ok := heaviest(ch, cls)
		if !ok || send(ch, from, half(&ch.Mag[from])) == 0 {
			return false
		}
	}
	push(ch, cls, e)
	return true
}

// freeFull frees a block, whose tag is set already, and gives what must leave the cache for that to
// the central lists.
func freeFull(cls uint, e c.Entry) {
	b := batches.Get().(*c.Batch)
	n, cramped := 0, false
	pid, ch := pinCache()
	if ch != nil {
		adopt(pid, ch)
		if m := &ch.Mag[cls]; m.Top == m.End {
			n = takeOldest(ch, cls, half(m), b[:0])
		}
		if ch.Room <= 0 {
			n = evict(ch, cls, b[:n])
			cramped = countOverflow(pid)
		}
		push(ch, cls, e)
	} else {
		b[0], n = e, 1
	}
	procUnpin()
	if n > 0 {
		b.GiveMixed(n)
	}
	batches.Put(b)
	if ch == nil {
		noteUse()
	}
	if cramped {
		raiseLimit()
	}
}

// push puts e into ch's magazine cls, which is not full. Pinned.
func push(ch *c.Cache, cls uint, e c.Entry) {
	m := &ch.Mag[cls]
	*at[c.Entry](m.Top) = e
	m.Top += entrySize
	ch.Room -= int64(classSize[cls])
}

// half is half of m's blocks.
func half(m *c.Magazine) int { return (len(entries(m)) + 1) / 2 }

// takeOldest appends the k oldest blocks of ch's magazine cls to old, as far as its capacity goes,
// and returns its new length. Pinned.
func takeOldest(ch *c.Cache, cls uint, k int, old []c.Entry) int {
	m := &ch.Mag[cls]
	all := entries(m)
	k = min(k, len(all), cap(old)-len(old))
	old = append(old, all[:k]...)
	copy(all, all[k:])
	m.Top -= uintptr(k) * entrySize
	ch.Room += int64(k) * int64(classSize[cls])
	return len(old)
}

// evict makes room in a full cache, and returns the new length of old: half of the blocks go of the
// class of which most bytes lie there beyond one block, then of the next such; so what the P uses
// in turn stays, a block of each class at least if there is room for that. Pinned.
func evict(ch *c.Cache, likely uint, old []c.Entry) int {
	for ch.Room <= 0 && len(old) < cap(old) {
		cls, ok := heaviest(ch, likely)
		if !ok {
			break
		}
		old = old[:takeOldest(ch, cls, half(&ch.Mag[cls]), old)]
	}
	return len(old)
}

// heaviest is the class of which most bytes lie in ch beyond one block; false where ch is empty.
// The likely one is looked at first: if it has half of the limit, that is it.
func heaviest(ch *c.Cache, likely uint) (cls uint, ok bool) {
	if m := &ch.Mag[likely]; int64(len(entries(m))-1)*int64(classSize[likely]) >= ch.Limit/2 {
		return likely, true
	}
	// Bytes, and in the last eight bits the class: a maximum that costs no branch, as what the caches
	// hold is hard to predict.
	most := -1
	for i := range ch.Mag {
		m := &ch.Mag[i]
		most = max(most, (int((m.Top-m.Base)/entrySize)-1)*int(classSize[i])<<8|i)
	}
	return uint(most & 0xff), most >= 0
}

// freeOther frees blocks that no magazine takes: huge and attached ones, and all where there are no
// caches.
//
//go:noinline
func freeOther(a uintptr) {
	if isAttached(a) {
		detach(a)
	}
	if !c.Free(a) {
		misuse(a, "Free")
	}
	freedOther()
}

// freedOther notes that a block was freed past the magazines.
func freedOther() {
	cramped := countOverflow(procPin())
	procUnpin()
	if cramped {
		raiseLimit()
	}
	noteUse()
}
