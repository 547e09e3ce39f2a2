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
	var trips c.Trips
	ch := myCache(procPin())
	passed := false
	if ch != nil {
		adopt(ch)
		if ch.Room <= 0 {
			ch.Trips.Overflows++
			trips = due(ch)
		}
		if passed = makeRoom(ch, cls, nil); passed {
			push(ch, cls, e)
		}
	}
	procUnpin()
	if !passed {
		freeFull(cls, e)
	}
	judge(ch, trips)
}

// freeFull frees a block, whose tag is set already, and gives what must leave the cache for that to
// the central lists.
func freeFull(cls uint, e c.Entry) {
	t := trips.Get().(*c.Trip)
	t.Begin(0)
	_, ch := pinCache()
	if ch != nil {
		adopt(ch)
		makeRoom(ch, cls, t)
		push(ch, cls, e)
	} else {
		t.E[0], t.Len = e, 1
	}
	procUnpin()
	if t.Len > 0 {
		t.Leave()
	}
	trips.Put(t)
	if ch == nil {
		noteUse()
	}
}

// makeRoom has blocks leave ch for one of class cls: into transfer lists, or into t. False where
// the lists do not take them. Pinned.
func makeRoom(ch *c.Cache, cls uint, t *c.Trip) bool {
	if m := &ch.Mag[cls]; m.Top == m.End && !leaveHalf(ch, cls, t) {
		return false
	}
	for ch.Room <= 0 {
		from, ok := heaviest(ch, cls)
		if !ok || !leaveHalf(ch, from, t) {
			return false
		}
	}
	return true
}

// leaveHalf has half of a magazine leave ch, the oldest blocks; false where none of them can.
// Pinned.
func leaveHalf(ch *c.Cache, cls uint, t *c.Trip) bool {
	k := (len(entries(&ch.Mag[cls])) + 1) / 2
	if t == nil {
		return send(ch, cls, k)
	}
	return take(ch, cls, k, t)
}

// take moves the k oldest blocks of ch's magazine cls to t, as far as its room goes; false where
// none was moved. Pinned.
func take(ch *c.Cache, cls uint, k int, t *c.Trip) bool {
	k = copy(t.E[t.Len:], entries(&ch.Mag[cls])[:k])
	t.Len += uint32(k)
	drop(ch, cls, k)
	return k > 0
}

// drop removes the k oldest blocks of ch's magazine cls, which are elsewhere now. Pinned.
func drop(ch *c.Cache, cls uint, k int) {
	m := &ch.Mag[cls]
	all := entries(m)
	copy(all, all[k:])
	m.Top -= uintptr(k) * entrySize
	ch.Room += int64(k) * int64(classSize[cls])
}

// push puts e into ch's magazine cls, which is not full. Pinned.
func push(ch *c.Cache, cls uint, e c.Entry) {
	m := &ch.Mag[cls]
	*at[c.Entry](m.Top) = e
	m.Top += entrySize
	ch.Room -= int64(classSize[cls])
}

// heaviest is policy_evict (c/policy.h): the class of which most bytes lie in ch beyond one block;
// false where ch is empty. The likely one is looked at first: if it has half of the capacity, no
// other has more, as all were less than the capacity before the last block came. Pinned.
func heaviest(ch *c.Cache, likely uint) (cls uint, ok bool) {
	if m := &ch.Mag[likely]; int64(len(entries(m))-1)*int64(classSize[likely]) >= ch.Capacity/2 {
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

// freeOther frees blocks that no magazine takes: exact and attached ones, and all where there are no
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

// freedOther notes that a block was freed uncached.
func freedOther() {
	var trips c.Trips
	ch := myCache(procPin())
	if ch != nil {
		ch.Trips.Overflows++
		trips = due(ch)
	}
	procUnpin()
	judge(ch, trips)
	noteUse()
}
