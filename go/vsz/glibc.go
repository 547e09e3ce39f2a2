package vsz

import "slices"

// arenaSize is what glibc reserves for each heap of a thread arena, and aligns it to (HEAP_MAX_SIZE).
const arenaSize = 64 << 20

// glibcArenas claims malloc's arenas: reserved with MAP_NORESERVE, which the Go runtime never uses, in aligned blocks
// that begin with memory in use.
func (c *classifier) glibcArenas() {
	member := func(i int) bool { return c.anonymous(i) && c.pieces[i].vma.has("nr") }
	var arenas []span
	c.runs(member, func(i, j int) {
		end := c.pieces[j-1].end
		for a := alignUp(c.pieces[i].start, arenaSize); a+arenaSize <= end; a += arenaSize {
			if c.isArena(a) {
				arenas = append(arenas, span{a, a + arenaSize})
			}
		}
	})
	for _, s := range arenas {
		c.claim(s, GlibcArenas, "aligned 64 MiB of MAP_NORESERVE memory that begin in use")
	}
}

// isArena tells whether the block at a begins as glibc's heap_info: the arena's address, the heap
// before it, the bytes in use. Where memory may not be read, the block must have a head in use and
// a tail that is reserved.
func (c *classifier) isArena(a uint64) bool {
	head, tail := c.at(a), c.at(a+arenaSize-1)
	if !head.vma.readWrite() {
		return false
	}
	arena, known := c.memory.word(a)
	if !known {
		return tail.vma.reserved()
	}
	used, known := c.memory.word(a + 2*wordSize)
	return known && arena != 0 && used > 0 && used <= arenaSize && used%pageSize == 0
}

func alignUp(a, n uint64) uint64 { return (a + n - 1) / n * n }

// maxGuard is the largest guard that is taken for one: a page is usual, of 64 KiB at most.
const maxGuard = 64 << 10

// threadStacks claims a guard (memory without access) and the stack above it. That it is a stack is
// told by the kernel's flag for MAP_STACK, by a thread's stack pointer in it, or by its size.
func (c *classifier) threadStacks() {
	size, neighbours := c.stackSize(), c.goNeighbours()
	for i := 0; i+1 < len(c.pieces); i++ {
		if !c.guarded(i) {
			continue
		}
		sign := c.stackSign(&c.pieces[i+1])
		if sign == "" {
			continue
		}
		stack := c.pieces[i+1].span
		if stack.size() > size {
			stack.end = c.stackEnd(stack, size, neighbours)
		}
		c.claim(c.pieces[i].span, ThreadStacks, "guard of the stack above it")
		c.claim(stack, ThreadStacks, "memory above a guard, "+sign)
	}
	c.unguardedStacks(size)
}

// stackEnd returns where a stack ends that is larger than the usual size: at the first of the
// runtime's addresses in it, for then the kernel has merged a neighbour with it; else it is as
// large as that. Where those addresses are not known it is taken to be of the usual size, unless a
// thread's stack pointer says that it is not.
func (c *classifier) stackEnd(stack span, size uint64, neighbours []uint64) uint64 {
	i, _ := slices.BinarySearch(neighbours, stack.start+1)
	switch {
	case i < len(neighbours) && neighbours[i] < stack.end:
		return neighbours[i] &^ (pageSize - 1)
	case len(neighbours) == 0 && !c.hasThread(&piece{span: span{stack.start + size, stack.end}}):
		return stack.start + size
	}
	return stack.end
}

// goNeighbours are addresses of the Go runtime's memory, ascending; none where they are not to be had.
func (c *classifier) goNeighbours() []uint64 {
	if len(c.goVars) == 0 {
		return nil
	}
	all := c.goPointers()
	slices.Sort(all)
	return all
}

// guarded tells whether piece i is a guard and the next one memory right above it.
func (c *classifier) guarded(i int) bool {
	return c.anonymous(i) && c.anonymous(i+1) && c.pieces[i].end == c.pieces[i+1].start &&
		c.pieces[i].vma.reserved() && c.pieces[i].size() <= maxGuard && c.pieces[i+1].vma.readWrite()
}

// stackSign says what tells that the memory above a guard is a stack; "" where nothing does.
func (c *classifier) stackSign(pc *piece) string {
	switch {
	case pc.vma.has("nh"):
		return "mapped with MAP_STACK"
	case c.hasThread(pc):
		return "with a thread's stack pointer in it"
	case c.stack > 0 && pc.size() >= c.stack:
		return "of the size of a stack"
	}
	return ""
}

// hasThread tells whether a thread's stack pointer points into the piece.
func (c *classifier) hasThread(pc *piece) bool {
	for _, sp := range c.sps {
		if pc.contains(sp) {
			return true
		}
	}
	return false
}

// stackSize is the size of the process's thread stacks: the most frequent one that has been asked for, by
// pthread_attr_setstacksize or cmem/lean; else the default.
func (c *classifier) stackSize() uint64 {
	seen := make(map[uint64]int)
	best, most := c.stack, 0
	for i := range c.pieces {
		if !c.guarded(i) || c.stackSign(&c.pieces[i+1]) == "" {
			continue
		}
		size := c.pieces[i+1].size()
		seen[size]++
		if size <= c.stack && seen[size] > most {
			best, most = size, seen[size]
		}
	}
	return best
}

// unguardedStacks claims stacks whose guards are no mappings of their own, as of a glibc that has the kernel put guards
// into page tables: MAP_STACK memory with a thread's stack pointer in it, of whole stacks and their guards in size.
func (c *classifier) unguardedStacks(size uint64) {
	each := size + pageSize
	var stacks []span
	for i := range c.pieces {
		pc := &c.pieces[i]
		if !pc.freeRW() || !pc.vma.has("nh") || pc.size()%each != 0 || !c.hasThread(pc) {
			continue
		}
		for a := pc.start; a < pc.end; a += each {
			stacks = append(stacks, span{a, a + each})
		}
	}
	for _, s := range stacks {
		c.claim(s, ThreadStacks,
			"MAP_STACK memory with a thread's stack pointer in it, of the size of stacks and their guards")
	}
}

// Of a block that malloc took from mmap: its header's flag, and the least size of such a block.
const (
	mmappedFlag = 2
	chunkFlags  = 7
	leastMmap   = 64 << 10
)

// glibcMmapped claims the large blocks of malloc: memory behind the header of one. The kernel
// merges several blocks into one mapping, and with neighbours of others.
func (c *classifier) glibcMmapped() {
	var blocks []span
	c.runs(func(i int) bool { return c.pieces[i].freeRW() }, func(i, j int) {
		blocks = append(blocks, c.mmappedBlocks(span{c.pieces[i].start, c.pieces[j-1].end})...)
	})
	for _, b := range blocks {
		c.claim(b, GlibcMmapped, "memory behind the header of a malloc block of that size")
	}
}

// searchPages is how many pages are looked at, of memory that begins with something else.
const searchPages = 4096

// mmappedBlocks returns the blocks in s.
func (c *classifier) mmappedBlocks(s span) []span {
	var blocks []span
	if c.memory.mem == nil {
		return nil
	}
	pages, next := 0, s.start
	c.memory.present(s.start, s.end, func(a uint64) bool {
		if a < next {
			return true // inside the last block
		}
		if size := c.blockSize(a); size > 0 && size <= s.end-a {
			blocks = append(blocks, span{a, a + size})
			next = a + size
			return true
		}
		pages++
		return pages < searchPages
	})
	return blocks
}

// blockSize is the size of the block of malloc whose header is at a; 0 where none is. In front of the size is what an
// alignment left over: nothing at the start of what came from mmap.
func (c *classifier) blockSize(a uint64) uint64 {
	lead, _ := c.memory.word(a)
	head, known := c.memory.word(a + wordSize)
	size := head &^ chunkFlags
	if !known || lead != 0 || head&chunkFlags != mmappedFlag || size%pageSize != 0 || size < leastMmap {
		return 0
	}
	return size
}
