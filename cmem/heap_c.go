//go:build cgo && linux && (amd64 || arm64 || riscv64) && !race

package cmem

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/gocmem/cmem/c"
)

// The heap over libcmem. The fast paths do what cmem.c's do for C threads, on caches that belong to Ps: whoever is pinned
// to a P owns its cache, so there is neither lock nor atomic. A cgo call may not be made while pinned, so the slow paths
// carry blocks in a batch between the cache (pinned) and the central lists (not pinned).

//go:linkname procPin runtime.procPin
func procPin() int

//go:linkname procUnpin runtime.procUnpin
func procUnpin()

// maxProcs is how many Ps may have a cache; those above go to the central lists for every block.
const maxProcs = 1024

// caches holds the cache of each P: nil until its first slow path, and again after drain has emptied and parked it. Caches
// lie in C memory and are never freed.
var (
	caches   [maxProcs]*c.Cache
	parked   [maxProcs]*c.Cache // at most one of caches[i] and parked[i] is set
	cachesMu sync.Mutex         // for writing both
)

// cacheless tells that no P gets a cache, so that every Alloc and Free goes the slow way, to C, which tells the tool that watches
// the program's memory (AddressSanitizer, MemorySanitizer, memcheck). The fast paths find no cache; they test for nothing else.
var cacheless = c.Cacheless()

// at turns an address in C memory into a pointer. The address must be tested for 0 before: the compiler takes what comes out
// for non-nil.
func at[T any](a uintptr) *T { return (*T)(unsafe.Add(unsafe.Pointer(nil), a)) }

// batches are not on the stacks of those who use them, which a few goroutines are at a time: a frame of 2 KiB makes each stack that has
// ever come by grow, and that of a thousand goroutines is a few megabytes.
var batches = sync.Pool{New: func() any { return new(c.Batch) }}

const entrySize = unsafe.Sizeof(c.Entry{})

// myCache is the cache of P pid, or nil.
func myCache(pid int) *c.Cache {
	if uint(pid) < maxProcs {
		return caches[pid]
	}
	return nil
}

// magazine is ch's magazine of class cls, which the caller knows to be below numClasses: no bounds check.
func magazine(ch *c.Cache, cls uint) *c.Magazine {
	return (*c.Magazine)(unsafe.Add(unsafe.Pointer(&ch.Mag), cls*uint(unsafe.Sizeof(c.Magazine{}))))
}

// allocFastPinned returns a block for n bytes from the magazine of its class, or nil where that is empty or n is not a
// class's to serve: for AllocZeroed and TryAlloc.
//
//go:nosplit
func allocFastPinned(n int) unsafe.Pointer {
	if uint(n)-1 >= maxClassSize {
		return nil
	}
	cls, size := classOf(n)
	if pid := procPin(); uint(pid) < maxProcs {
		if ch := caches[pid]; ch != nil { // read once: drain may take it away, from the next reader
			m := magazine(ch, cls)
			if top := m.Top; top != m.Base {
				e := at[c.Entry](top - entrySize)
				p, tag := e.Block, at[uint8](e.Tag)
				if *tag == c.TagCached {
					*tag = uint8(cls + 1)
					m.Top = top - entrySize
					m.Allocs++
					ch.Room += int64(size)
					procUnpin()
					return unsafe.Pointer(at[byte](p))
				}
				dropTop(ch, m, size)
			}
		}
	}
	procUnpin()
	return nil
}

// allocFastOther is allocFast without the assembly: allocFastPinned, and then a block of a raised cache.
func allocFastOther(n int) unsafe.Pointer {
	if p := allocFastPinned(n); p != nil {
		return p
	}
	return allocBorrowed(n)
}

// allocPinned allocates n bytes for Alloc. Its fast path is that of allocFastPinned, written out once more: as a call it would cost
// a tenth of the whole.
//
//go:nosplit
func allocPinned(n int) unsafe.Pointer {
	if uint(n)-1 >= maxClassSize {
		return allocOther(n)
	}
	cls, size := classOf(n)
	if pid := procPin(); uint(pid) < maxProcs {
		if ch := caches[pid]; ch != nil { // read once: drain may take it away, from the next reader
			m := magazine(ch, cls)
			if top := m.Top; top != m.Base {
				e := at[c.Entry](top - entrySize)
				p, tag := e.Block, at[uint8](e.Tag)
				if *tag == c.TagCached {
					*tag = uint8(cls + 1)
					m.Top = top - entrySize
					m.Allocs++
					ch.Room += int64(size)
					procUnpin()
					return unsafe.Pointer(at[byte](p))
				}
				dropTop(ch, m, size)
			}
			if raised(pid) {
				if p := borrow(pid, ch, cls, n); p != nil {
					return p
				}
				return allocOther(n)
			}
		}
	}
	procUnpin()
	return allocOther(n)
}

// freedTwice is said of a block when that is found out.
const freedTwice = "double free: the block was freed twice at the same time, and is in use again"

// dropTop forgets the block on top of m, which somebody has: two goroutines freed it at the same time, which no check of
// Free can see, and it stood in two magazines. Panics, pinned no more.
//
//go:noinline
func dropTop(ch *c.Cache, m *c.Magazine, size int) {
	m.Top -= entrySize
	ch.Room += int64(size)
	p := at[c.Entry](m.Top).Block
	procUnpin()
	panic(&MisuseError{"Free", p, freedTwice})
}

// hotLeaf is the pagemap's leaf of the last refill, a guess of free's: the comparison is predicted, so that the leaf need not
// be waited for.
var hotLeaf *c.Leaf

// findLeaf returns the leaf of the address a, or nil.
func findLeaf(a uintptr) *c.Leaf {
	if root := a >> c.LeafShift; root < c.RootLen {
		return c.Pagemap[root]
	}
	return nil
}

// findTag returns where the tag of the block that starts at p lies, 0 where no block can start there.
func findTag(p uintptr) uintptr {
	leaf := findLeaf(p)
	if leaf == nil {
		return 0
	}
	page := &leaf.Page[p>>c.PageShift%c.LeafPages]
	tag := uintptr(unsafe.Pointer(page))
	if *at[uint8](tag)-c.TagSmall >= c.NumSmall {
		if p%(1<<c.PageShift) != 0 {
			return 0
		}
		return tag
	}
	span := *page >> 8
	if span == 0 { // it is being taken apart
		return 0
	}
	s := at[c.Span](span)
	off := uint64(p - s.Base)
	i := off * uint64(s.Magic) >> 32
	if i*uint64(s.Unit) != off || i >= c.SpanTags {
		return 0
	}
	return s.Tags + uintptr(i)
}

// freePinned frees the block at p. Its first half is findTag, written out because the compiler does not inline that and the call
// would cost a tenth of the whole.
//
//go:nosplit
func freePinned(p unsafe.Pointer) {
	a := uintptr(p)
	leaf := hotLeaf
	if leaf == nil || leaf.Root != a>>c.LeafShift {
		if leaf = findLeaf(a); leaf == nil {
			freeOther(a)
			return
		}
	}
	page := &leaf.Page[a>>c.PageShift%c.LeafPages]
	tag := uintptr(unsafe.Pointer(page))
	t := uint(*at[uint8](tag))
	cls := t - c.TagSmall
	if cls < c.NumSmall {
		span := *page >> 8
		if span == 0 {
			freeOther(a)
			return
		}
		s := at[c.Span](span)
		off := uint64(a - s.Base)
		i := off * uint64(s.Magic) >> 32
		if i*uint64(s.Unit) != off || i >= c.SpanTags {
			freeOther(a)
			return
		}
		// The class is in this tag as well, but whether the block is live is a branch that the processor predicts, while
		// where to put it has to be waited for: so it is the page's.
		tag = s.Tags + uintptr(i)
		if uint(*at[uint8](tag)) != cls+1 {
			freeOther(a)
			return
		}
	} else {
		cls = t - 1 // TagNone wraps around
		if cls >= numClasses || a%(1<<c.PageShift) != 0 {
			freeOther(a)
			return
		}
	}
	if pid := procPin(); uint(pid) < maxProcs {
		if ch := caches[pid]; ch != nil { // read once: drain may take it away, from the next reader
			m := magazine(ch, cls)
			if top := m.Top; top != m.End && ch.Room > 0 {
				*at[uint8](tag) = c.TagCached
				e := at[c.Entry](top)
				e.Block = a
				e.Tag = tag
				m.Top = top + entrySize
				ch.Room -= int64(classSize[cls])
				procUnpin()
				return
			}
		}
	}
	procUnpin()
	freeSlow(cls, c.Entry{Block: a, Tag: tag})
}

// freeOther frees blocks that no magazine takes: huge and attached ones, and all where there are no caches.
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

func misuse(a uintptr, fn string) {
	what, foreign := c.Describe(a, frees(fn))
	if foreign {
		what += " (a slice that append has moved is Go memory)"
	}
	panic(&MisuseError{fn, a, what})
}

// usable is the size of the block at p, for the function fn. Of one that a handle or an arena owns it is for Usable only.
func usable(p unsafe.Pointer, fn string) int {
	a := uintptr(p)
	if tag := findTag(a); tag != 0 {
		t := uint(*at[uint8](tag))
		if cls := t - 1; cls < numClasses {
			return int(classSize[cls])
		}
		if t == c.TagHuge {
			return hugeSize(tag)
		}
		if t == c.TagOwned && fn != "Usable" {
			misuse(a, fn)
		}
	}
	n := c.Usable(a)
	if n == 0 {
		misuse(a, fn)
	}
	return n
}

// shrink cuts the tail off the block at p, so that it holds n bytes and little more; false where n is too little for a block of whole
// pages, or the block is attached, and so is to go as long as it is.
func shrink(p unsafe.Pointer, n int) bool {
	if n < largeMin || isAttached(uintptr(p)) {
		return false
	}
	c.Shrink(uintptr(p), n)
	return true
}

// hugeSize is the size of the live huge block whose tag lies at tag, which is the pagemap's entry of its first page.
func hugeSize(tag uintptr) int {
	return int(at[c.Span](*at[uintptr](tag)>>8).NPages) << c.PageShift
}

// resized notes that n of the live block's have bytes are in use.
func resized(p unsafe.Pointer, n, have int) {
	if cacheless {
		c.Resized(p, n, have)
	}
}

// move copies b to q. Where a tool watches C does it: to MemorySanitizer Go's copy is a use of b's bytes, which need not all be written.
func move(q, b []byte) {
	if n := min(len(q), len(b)); cacheless && n > 0 {
		c.Move(unsafe.Pointer(&q[0]), unsafe.Pointer(&b[0]), n)
		return
	}
	copy(q, b)
}

// withCache makes sure that the P the caller runs on has a cache, as far as memory allows and unless the caches are being
// drained. The caller may run on another P afterwards.
func withCache() {
	pid := procPin()
	procUnpin()
	if pid >= maxProcs || !cachesMu.TryLock() {
		return
	}
	defer cachesMu.Unlock()
	ch := caches[pid]
	if ch == nil {
		ch = parked[pid]
	}
	if ch == nil {
		ch = c.NewCache()
	}
	if ch == nil {
		return
	}
	parked[pid] = nil
	atomic.StorePointer((*unsafe.Pointer)(unsafe.Pointer(&caches[pid])), unsafe.Pointer(ch))
	noteUse()
}

// pinCache pins the caller, and returns its P and that P's cache, which is made if there is none; nil where it cannot be.
func pinCache() (pid int, ch *c.Cache) {
	pid = procPin()
	if ch = myCache(pid); ch == nil {
		procUnpin()
		withCache()
		pid = procPin()
		ch = myCache(pid)
	}
	return pid, ch
}

// drain empties the caches of all Ps.
func drain() { drainThose(func(int) bool { return true }) }

// drainThose empties the caches of the Ps that are wanted into the central lists and parks them. First it takes them out of the fast
// paths' sight. A goroutine that saw one before is pinned until it is through with it, and a pinned goroutine keeps the world from
// stopping: so after one stop of the world (ReadMemStats makes one, 1-6 µs) nobody is using them.
func drainThose(wanted func(pid int) bool) {
	cachesMu.Lock()
	defer cachesMu.Unlock()
	found := false
	for pid := range caches {
		if ch := caches[pid]; ch != nil && wanted(pid) {
			parked[pid] = ch
			atomic.StorePointer((*unsafe.Pointer)(unsafe.Pointer(&caches[pid])), nil)
			found = true
		}
	}
	if !found {
		return
	}
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	for pid, ch := range parked {
		if ch != nil {
			c.Flush(ch)
			lowerLimit(pid)
		}
	}
}

// activity is a number that changes whenever a cache is used.
func activity() (sum uint64) {
	for pid := range caches {
		allocs, tops := usesOf(pid)
		sum += allocs<<20 + tops
	}
	return sum
}

// usesOf is how many blocks the cache of P pid has given to callers, and a number that changes with what it holds.
func usesOf(pid int) (allocs, tops uint64) {
	ch := (*c.Cache)(atomic.LoadPointer((*unsafe.Pointer)(unsafe.Pointer(&caches[pid]))))
	if ch == nil {
		return 0, 0
	}
	for i := range ch.Mag {
		m := &ch.Mag[i]
		allocs += atomic.LoadUint64(&m.Allocs)
		tops += uint64(atomic.LoadUintptr(&m.Top))
	}
	return allocs, tops
}

func limitHeap(bytes int64) {
	if bytes <= 0 {
		bytes = c.NoLimit
	}
	c.Limit(int(bytes))
}

func scavenge(idle time.Duration) int64 {
	if idle == 0 {
		drain()
	}
	return int64(c.Scavenge(uint64(idle)))
}

// allocSlow allocates n > 0 bytes when the magazine has none; nil where memory is out.
func allocSlow(n int, zero bool) unsafe.Pointer {
	if cacheless {
		return c.AllocCacheless(n, zero)
	}
	if n > maxClassSize {
		if zero {
			return c.Calloc(n)
		}
		return c.HugeAlloc(n)
	}
	cls, size := classOf(n)
	if zero && n >= largeMin {
		return c.Calloc(n) // knows which pages are zero already
	}
	if n >= c.ExactMin && exact(cls, n, size) {
		return c.HugeAlloc(n)
	}
	p := refill(cls, size)
	if p == 0 {
		return nil
	}
	if zero {
		clear(slice(unsafe.Pointer(at[byte](p)), n))
	}
	return unsafe.Pointer(at[byte](p))
}

// exact tells whether n bytes are better served by a span of just their pages than by a block of class cls, and notes the
// class in the P's cache: as the function of that name in cmem.c. Where the block is large for the cache, it gives what the cache
// holds of such blocks to the central lists, so that this one can be made of it.
func exact(cls uint, n, size int) bool {
	const page = 1 << c.PageShift
	spare := size/page - (n+page-1)/page
	k, large, recent, cramped := 0, true, false, false
	b := batches.Get().(*c.Batch)
	pid, ch := pinCache()
	if ch != nil {
		cramped = countMiss(pid, n)
		if large = n >= exactMin(ch); large {
			k = takeLarge(ch, exactMin(ch), b[:0])
			r := ch.Recent
			recent = r&0xFF == uint32(cls) || r>>8 == uint32(cls)
			ch.Recent = r&0xFF<<8 | uint32(cls)
		}
	}
	procUnpin()
	if k > 0 {
		b.GiveMixed(k)
	}
	batches.Put(b)
	if cramped {
		raiseLimit()
	}
	return large && spare > 0 && (!recent || spare > c.ExactSpare/page)
}

// takeLarge appends the blocks of from bytes and more in ch to old, and returns its new length. Pinned.
func takeLarge(ch *c.Cache, from int, old []c.Entry) int {
	cls, _ := classOf(from)
	for ; cls < numClasses; cls++ {
		if m := &ch.Mag[cls]; m.Top != m.Base {
			old = old[:takeOldest(ch, cls, cap(old), old)]
		}
	}
	return len(old)
}

// refill takes a block of class cls for the caller, and more for the magazine, from the central list.
func refill(cls uint, size int) (p uintptr) {
	if n := wanted(cls, size); n > 1 {
		p = refillMany(cls, size, n)
	} else if p = c.FetchOne(cls); p != 0 {
		countAlloc(procPin(), cls)
	}
	if leaf := findLeaf(p); p != 0 && leaf != hotLeaf {
		atomic.StorePointer((*unsafe.Pointer)(unsafe.Pointer(&hotLeaf)), unsafe.Pointer(leaf))
	}
	return p
}

// countAlloc counts a block of class cls that went past the magazines, for P pid. Unpins.
func countAlloc(pid int, cls uint) {
	if ch := myCache(pid); ch != nil {
		ch.Mag[cls].Allocs++
		procUnpin()
		return
	}
	procUnpin()
	c.CountAlloc(cls)
}

// refillMany is refill where n blocks, or fewer, are wanted together.
func refillMany(cls uint, size, n int) (p uintptr) {
	b := batches.Get().(*c.Batch)
	if got := b.Fetch(cls, n); got > 0 {
		p = b[0].Block
		*at[uint8](b[0].Tag) = uint8(cls + 1)
		pid := procPin()
		if ch := myCache(pid); ch != nil {
			for m := &ch.Mag[cls]; got > 1 && m.Top != m.End; { // the lowest address on top
				got--
				push(ch, cls, b[got])
			}
		}
		countAlloc(pid, cls)
		if got > 1 { // the goroutine moved to a P whose magazine is full, or has none
			b.Give(cls, 1, got-1)
		}
	}
	batches.Put(b)
	return p
}

// wanted is how many blocks of class cls the P that the caller runs on should fetch: one for the caller, the others as its
// cache has room.
func wanted(cls uint, size int) int {
	pid, ch := pinCache()
	if ch == nil {
		procUnpin()
		return 1
	}
	cramped := size < c.ExactMin && countMiss(pid, size) // else exact has counted it
	adopt(pid, ch)
	fits := 1
	if ch.Room > 0 {
		fits = int(ch.Room)/size + 1
	}
	more := raised(pid)
	m := &ch.Mag[cls]
	half := int((m.End-m.Base)/entrySize) / 2
	procUnpin()
	if cramped {
		raiseLimit()
	}
	n := refillOf(size)
	if more && size < largeMin {
		n = half
	}
	if more {
		n = max(n, min(waiting(cls), receiveMost))
	}
	return min(n, fits)
}

// refillOf is how many blocks of a class an empty magazine is refilled with: as class_refill in internal.h.
func refillOf(size int) int {
	if size >= largeMin {
		return 1
	}
	_, blocks := spanOf(size)
	return min(blocks/2, c.MaxRefill)
}

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
	if ch != nil && raised(pid) {
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

// pass puts e, of class cls, into ch, and what must leave it for that into transfer lists; false where those have no room. Pinned.
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

// freeFull frees a block, whose tag is set already, and gives what must leave the cache for that to the central lists.
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

// takeOldest appends the k oldest blocks of ch's magazine cls to old, as far as its capacity goes, and returns its new
// length. Pinned.
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

// evict makes room in a full cache, and returns the new length of old: half of the blocks go of the class of which most bytes
// lie there beyond one block, then of the next such; so what the P uses in turn stays, a block of each class at least if there
// is room for that. Pinned.
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

// heaviest is the class of which most bytes lie in ch beyond one block; false where ch is empty. The likely one is looked at first: if
// it has half of the limit, that is it.
func heaviest(ch *c.Cache, likely uint) (cls uint, ok bool) {
	if m := &ch.Mag[likely]; int64(len(entries(m))-1)*int64(classSize[likely]) >= ch.Limit/2 {
		return likely, true
	}
	most := -1 // bytes, and in the last eight bits the class: a maximum that costs no branch, as what the caches hold is hard to predict
	for i := range ch.Mag {
		m := &ch.Mag[i]
		most = max(most, (int((m.Top-m.Base)/entrySize)-1)*int(classSize[i])<<8|i)
	}
	return uint(most & 0xff), most >= 0
}

// attach marks the block at p as attached; false where no live block starts there or it is attached or owned already.
func attach(p uintptr) bool { return c.Attach(p) }

// isAttached tells whether a live block starts at p that is attached.
func isAttached(p uintptr) bool {
	tag := findTag(p)
	return tag != 0 && *at[uint8](tag) == c.TagAttached
}

// freeAttached frees the block at p if it is attached still.
func freeAttached(p uintptr) {
	if isAttached(p) {
		c.Free(p)
		noteUse()
	}
}

// attachMisuse says why attach refused p.
func attachMisuse(p uintptr) {
	if isAttached(p) {
		panic(&MisuseError{"Attach", p, attachedAlready})
	}
	misuse(p, "Attach")
}

func readStats(s *Stats) {
	*s = Stats{}
	addC(s)
}

// residentBytes is what cmem holds of the process's memory: spans in use, free ones that were not given back, and its own
// structures, of which a 64th of the heap is an upper bound for what is touched.
func residentBytes() int64 {
	var st c.Stats
	c.ReadStats(&st)
	return int64(st.HeapSys - st.HeapReleased + min(st.MetadataSys, st.HeapSys/64))
}
