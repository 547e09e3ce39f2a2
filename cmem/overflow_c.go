//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"github.com/gocmem/cmem/c"
)

// The slow path of a free: the magazine is full, the cache has no room, or no magazine takes such a
// block. The oldest blocks leave the cache, half a magazine at a time: to the transfer lists, and
// where those take no more, by a cgo call, to the central lists.

// freeSlow frees a block of class cls when its magazine is full, or the cache has no room, or the P
// has no cache.
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

// freeFull frees a block, whose tag is TagCached already, into the P's cache. What must leave the
// cache for that goes to the central lists; without a cache the block itself does.
func freeFull(cls uint, e c.Entry) {
	t := tripPool.Get().(*c.Trip)
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
	tripPool.Put(t)
	if ch == nil {
		noteUse()
	}
}

// makeRoom has blocks leave ch until there is room for one of class cls. They go to t, or to
// transfer lists if t is nil. It returns false where the lists, or t, take no more. Pinned.
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

// leaveHalf has the older half of ch's magazine cls leave (policy_leave): to t, or to its transfer
// list if t is nil. It returns false where not one block could leave. Pinned.
func leaveHalf(ch *c.Cache, cls uint, t *c.Trip) bool {
	k := (len(entries(&ch.Mag[cls])) + 1) / 2
	if t == nil {
		return send(ch, cls, k)
	}
	return take(ch, cls, k, t)
}

// take moves the k oldest blocks of ch's magazine cls to t, or as many as t has room for. It
// returns false where it moved none. Pinned.
func take(ch *c.Cache, cls uint, k int, t *c.Trip) bool {
	k = copy(t.E[t.Len:], entries(&ch.Mag[cls])[:k])
	t.Len += uint32(k)
	drop(ch, cls, k)
	return k > 0
}

// drop removes from ch's magazine cls the k oldest blocks, which the caller has copied. Pinned.
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

// heaviest is policy_evict (c/policy.h): the class that has most bytes in ch, one block of each
// class not counted; false where ch is empty. The class likely is tried first: if it has half of
// the capacity, no other has more, as all together had less than the capacity before the last block
// came. Pinned.
func heaviest(ch *c.Cache, likely uint) (cls uint, ok bool) {
	if m := &ch.Mag[likely]; int64(len(entries(m))-1)*int64(classSize[likely]) >= ch.Capacity/2 {
		return likely, true
	}
	// Bytes, and the class in the last eight bits: so the maximum takes no branch. Branches would be
	// hard to predict.
	most := -1
	for i := range ch.Mag {
		m := &ch.Mag[i]
		most = max(most, (int((m.Top-m.Base)/entrySize)-1)*int(classSize[i])<<8|i)
	}
	return uint(most & 0xff), most >= 0
}

// freeOther frees, uncached, a block that no magazine takes: an exact or attached one, or any where
// there are no caches. It panics where no such block starts at a.
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

// freedOther counts an uncached free as an overflow of the P's cache, and notes the use.
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
