package vsz

import "runtime"

// Sizes of the Go runtime's on 64-bit Linux.
const (
	goArenaSize = 64 << 20 // a heap arena; it lies at a multiple of that
	goIndexSize = 32 << 20 // the arena index: a pointer for each arena of 2^48 bytes
)

// indexSlot is the offset in the arena index of the arena at a. amd64's addresses have a sign.
func indexSlot(a uint64) uint64 {
	if runtime.GOARCH == "amd64" {
		a += 1 << 47
	}
	return a / goArenaSize * wordSize
}

// goHeap claims the heap's arenas and the runtime's index of them. The index tells exactly what is an arena; where it
// cannot be read, the shape must do.
func (c *classifier) goHeap() {
	if c.goVersion == "" {
		return
	}
	if c.bits32 {
		c.goHeap32()
		return
	}
	blocks := c.alignedBlocks()
	index, found := c.findIndex(blocks)
	for _, b := range blocks {
		switch {
		case found && c.inIndex(index.start, b.start):
			c.claim(b.span, GoHeap, "the runtime's index of arenas has it")
		case !found && b.whole && !c.inMmapZone(b.start):
			c.claim(b.span, GoHeap,
				"memory in use and reserved, all of it whole aligned 64 MiB, outside of where the kernel places mappings")
		}
	}
	if found {
		c.claim(index, GoArenaIndex, "it has the addresses of the heap's arenas")
	} else {
		c.indexByShape()
	}
}

// A block is 64 MiB that may be a heap arena.
type block struct {
	span
	whole bool // what is around it without a gap begins and ends at multiples of 64 MiB too
}

// alignedBlocks returns the aligned blocks of 64 MiB that are anonymous memory, in use or reserved.
func (c *classifier) alignedBlocks() []block {
	member := func(i int) bool {
		v := c.pieces[i].vma
		return c.anonymous(i) && !v.has("nr") && (v.readWrite() || v.reserved())
	}
	var blocks []block
	c.runs(member, func(i, j int) {
		start, end := c.pieces[i].start, c.pieces[j-1].end
		whole := start%goArenaSize == 0 && end%goArenaSize == 0
		for a := alignUp(start, goArenaSize); a+goArenaSize <= end; a += goArenaSize {
			blocks = append(blocks, block{span{a, a + goArenaSize}, whole})
		}
	})
	return blocks
}

// findIndex looks for the arena index: memory of its size that has a pointer for one of the blocks. The runtime's
// variables have its address; of a stripped program it is tried at both ends of large mappings, for the kernel may
// have merged neighbours with it.
func (c *classifier) findIndex(blocks []block) (span, bool) {
	tried := c.goPointers()
	for i := range c.pieces {
		if pc := &c.pieces[i]; pc.freeRW() && pc.size() >= goIndexSize {
			tried = append(tried, pc.start, pc.end-goIndexSize)
		}
	}
	for _, a := range tried {
		pc := c.at(a)
		if a%pageSize != 0 || pc == nil || !pc.freeRW() || a+goIndexSize > pc.end {
			continue
		}
		for _, b := range blocks {
			if c.inIndex(a, b.start) {
				return span{a, a + goIndexSize}, true
			}
		}
	}
	return span{}, false
}

// inIndex tells whether the index at a has an entry for the arena at block: the address of the arena's description.
func (c *classifier) inIndex(a, block uint64) bool {
	entry, _ := c.memory.word(a + indexSlot(block))
	pc := c.at(entry)
	return entry != 0 && pc != nil && pc.vma.anonymous() && pc.vma.readWrite()
}

// mmapZone is how far from the main stack the kernel begins to place mappings, and more than they come to.
const mmapZone = 4 << 40

func (c *classifier) inMmapZone(a uint64) bool {
	for _, pc := range c.pieces {
		if (pc.kind == MainStack || pc.kind == SharedLibs || pc.kind == VDSO) &&
			max(a, pc.start)-min(a, pc.start) < mmapZone {
			return true
		}
	}
	return false
}

// indexByShape claims memory of the index's size for which the runtime has asked for no huge pages;
// it does since Go 1.21.
func (c *classifier) indexByShape() {
	for i := range c.pieces {
		pc := c.pieces[i]
		if pc.freeRW() && pc.vma.has("nh") && pc.size() >= goIndexSize {
			c.claim(span{pc.end - goIndexSize, pc.end}, GoArenaIndex, "32 MiB or more without huge pages")
			return
		}
	}
}

// Entries of the levels of the page allocator's summaries, 8 bytes each, and of its scavenge index since Go 1.21, which
// has as many as the last level.
var summaryEntries = []uint64{1 << 14, 1 << 17, 1 << 20, 1 << 23, 1 << 26}

// goSummaries claims the page allocator's summaries and scavenge index: reserved addresses with islands in use.
func (c *classifier) goSummaries() {
	if c.goVersion == "" || c.bits32 {
		return
	}
	if tables := c.summaryTables(); len(tables) > 0 {
		for _, s := range tables {
			c.claim(s, GoSummaries, "one of the runtime's slices spans it")
		}
		return
	}
	c.summariesByShape()
}

// summaryTables looks in the runtime's variables for slices of the summaries' capacities.
func (c *classifier) summaryTables() []span {
	var tables []span
	var address, length uint64 // the two words before
	var at uint64
	c.eachGoWord(func(a, w uint64) {
		if a != at+wordSize {
			address, length = 0, 0
		}
		if isSummaryLength(w) && length <= w && c.isReserve(span{address, address + w*wordSize}) {
			tables = append(tables, span{address, address + w*wordSize})
		}
		address, length, at = length, w, a
	})
	return tables
}

func isSummaryLength(n uint64) bool {
	for _, entries := range summaryEntries {
		if n == entries {
			return true
		}
	}
	return false
}

// isReserve tells whether s is anonymous memory without a gap, free, and begins with a page.
func (c *classifier) isReserve(s span) bool {
	if s.start == 0 || s.start%pageSize != 0 {
		return false
	}
	for a := s.start; a < s.end; {
		pc := c.at(a)
		if pc == nil || !pc.free() || !pc.vma.anonymous() || pc.vma.has("nr") {
			return false
		}
		a = pc.end
	}
	return true
}

// maxIsland is the most that is taken for an island of used memory in the summaries: that of a heap of 512 GiB.
const maxIsland = 1 << 20

// summariesByShape claims runs of reserved memory with islands in use whose length is that of one or several of the
// levels: the kernel merges them.
func (c *classifier) summariesByShape() {
	var left []uint64
	for _, n := range summaryEntries[1:] { // the first level is too small to be told by its size
		left = append(left, n*wordSize)
	}
	left = append(left, summaryEntries[4]*wordSize) // the scavenge index
	member := func(i int) bool {
		return c.anonymous(i) && !c.pieces[i].vma.has("nr") &&
			(c.pieces[i].vma.reserved() || c.isIsland(i))
	}
	var found []span
	c.runs(member, func(i, j int) {
		s := span{c.pieces[i].start, c.pieces[j-1].end}
		var ok bool
		if j-i > 1 { // each level has something in use
			left, ok = takeSum(left, s.size())
		}
		if ok {
			found = append(found, s)
		}
	})
	for _, s := range found {
		c.claim(s, GoSummaries, "reserved addresses of the size of the page allocator's tables")
	}
}

// isIsland tells whether piece i is little memory in use between two reserved pieces.
func (c *classifier) isIsland(i int) bool {
	if !c.anonymous(i-1) || !c.anonymous(i+1) {
		return false
	}
	before, pc, after := &c.pieces[i-1], &c.pieces[i], &c.pieces[i+1]
	return pc.vma.readWrite() && pc.size() <= maxIsland && before.end == pc.start && pc.end == after.start &&
		before.vma.reserved() && after.vma.reserved()
}

// sumSlack is by how much a run may miss the size of its tables: used pages at its ends, and the first level.
const sumSlack = 192 << 10

// takeSum takes those out of sizes whose sum is that; false where no sum is.
func takeSum(sizes []uint64, sum uint64) (left []uint64, ok bool) {
	for set := 1; set < 1<<len(sizes); set++ {
		var s uint64
		left = left[:0]
		for i, size := range sizes {
			if set&(1<<i) != 0 {
				s += size
			} else {
				left = append(left, size)
			}
		}
		if max(s, sum)-min(s, sum) <= sumSlack {
			return left, true
		}
	}
	return sizes, false
}
