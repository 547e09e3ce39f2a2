package vsz

import "slices"

// What is known of cmem's pagemap: see pagemap.h in c/. It is an array of addresses of leaves, one
// a GiB. A leaf has a word for each page: a byte of its own, and above that a pointer, which is set
// for the first and the last page of every span, and for each page of some; its last word is its
// index, and behind that lie marks of the pages. The spans leave no page of a region out.
// cmem_layout.go has its measures.
const (
	cmemPagemap = "cmem__pagemap"
	cmemTagBits = 8
	cmemMarks   = (1 + 64 + cmemLeafPages/64) * wordSize // behind each leaf
	cmemChunk   = 256 << 10                              // what its other structures are cut from
)

// findCmem looks for the pagemap in the variables of a stripped executable: an array in which each
// word that is not 0 is the address of a leaf, and each leaf has its index behind its pages.
func (c *classifier) findCmem() {
	if c.bits32 { // where there is no libcmem
		return
	}
	for _, s := range c.data {
		if c.cmemMap != 0 || s.size() < cmemRoots*wordSize {
			continue
		}
		c.memory.words(s.start, s.end, func(a, w uint64) {
			i, ok := c.leafIndex(w)
			array := span{a - i*wordSize, a + (cmemRoots-i)*wordSize}
			if ok && c.cmemMap == 0 && i*wordSize <= a-s.start && array.end <= s.end && c.isPagemap(array) {
				c.cmemMap = array.start
			}
		})
	}
}

// leafIndex returns the index that the leaf at address a has behind its pages; false where there can be no leaf.
func (c *classifier) leafIndex(a uint64) (uint64, bool) {
	pc := c.at(a)
	if a%pageSize != 0 || pc == nil || !pc.freeRW() || a+cmemLeafSize > pc.end {
		return 0, false
	}
	i, known := c.memory.word(a + cmemLeafSize - wordSize)
	return i, known && i < cmemRoots
}

func (c *classifier) isPagemap(array span) bool {
	leaves, others := 0, 0
	c.memory.words(array.start, array.end, func(a, w uint64) {
		if i, ok := c.leafIndex(w); ok && array.start+i*wordSize == a {
			leaves++
		} else {
			others++
		}
	})
	return leaves > 0 && others == 0
}

// cmemRegions claims cmem's heap, wherever malloc had it from, by cmem's own pagemap.
func (c *classifier) cmemRegions() {
	if c.cmemMap == 0 {
		c.findCmem()
	}
	var spans []span
	var last uint64 // the span pointer of the page that ends the last of spans
	c.eachCmemPage(func(page, pointer uint64) {
		end := page + 1<<cmemPageShift
		n := len(spans)
		if n > 0 && (pointer == last || spans[n-1].end == page) {
			spans[n-1].end = end
		} else {
			spans = append(spans, span{page, end})
		}
		last = pointer
	})
	for _, s := range spans {
		c.claim(c.mallocBlock(s), CmemRegions, "cmem's pagemap has it")
	}
}

// mallocBlock returns the block of malloc that s lies in, where it is one that malloc has from
// mmap; else s. In front of memory that was asked for aligned are its header and what the alignment
// left over.
func (c *classifier) mallocBlock(s span) span {
	lead, _ := c.memory.word(s.start - 2*wordSize)
	head, known := c.memory.word(s.start - wordSize)
	b := span{s.start - 2*wordSize - lead, s.start - 2*wordSize + head&^chunkFlags}
	if !known || head&chunkFlags != mmappedFlag || b.start%pageSize != 0 || b.start > s.start || b.end < s.end ||
		b.end%pageSize != 0 {
		return s
	}
	return b
}

// cmemMetadata claims the leaves of cmem's pagemap, and the chunks that hold the spans'
// descriptions. Where a chunk begins is not to be seen if the kernel has merged it with its
// neighbours: it is taken to begin with its first description, before which there is little.
func (c *classifier) cmemMetadata() {
	for _, leaf := range c.cmemLeaves() {
		c.claim(span{leaf.address, pageUp(leaf.address + cmemLeafSize + cmemMarks)}, CmemMetadata, "a leaf of cmem's pagemap")
	}
	var spans []uint64
	c.eachCmemPage(func(_, pointer uint64) {
		if pc := c.at(pointer); pc != nil && pc.freeRW() {
			spans = append(spans, pointer)
		}
	})
	slices.Sort(spans)
	for _, a := range spans {
		if pc := c.at(a); pc.freeRW() {
			start := a &^ (pageSize - 1)
			c.claim(span{start, min(start+cmemChunk, pc.end)}, CmemMetadata, "cmem's pagemap points to it")
		}
	}
}

// A cmemLeaf is a leaf of the pagemap.
type cmemLeaf struct {
	address uint64
	base    uint64 // first address that it describes
}

func (c *classifier) cmemLeaves() []cmemLeaf {
	var leaves []cmemLeaf
	if c.cmemMap == 0 {
		return nil
	}
	c.memory.words(c.cmemMap, c.cmemMap+cmemRoots*wordSize, func(a, w uint64) {
		leaves = append(leaves, cmemLeaf{w, (a - c.cmemMap) / wordSize << cmemLeafShift})
	})
	return leaves
}

// eachCmemPage calls f with the address of each page that has a span pointer, and the pointer.
func (c *classifier) eachCmemPage(f func(page, pointer uint64)) {
	for _, leaf := range c.cmemLeaves() {
		c.memory.words(leaf.address, leaf.address+cmemLeafPages*wordSize, func(a, w uint64) {
			if pointer := w >> cmemTagBits; pointer != 0 {
				f(leaf.base+(a-leaf.address)/wordSize<<cmemPageShift, pointer)
			}
		})
	}
}
