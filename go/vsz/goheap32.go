package vsz

// The heap of a 32-bit Go program (runtime/malloc.go, mallocinit): its arenas have 4 MiB. At the
// start it reserves 512 MiB and an arena, or half of that, or a quarter, as one run above the
// executable, and elsewhere room for the descriptions of all the arenas that an address space can
// have: 2.3 MiB, but 134 in Go 1.20 and 1.21, and some 258 before. There is no index to speak of,
// and the page allocator's summaries take 12 KiB.
const (
	goArenaSize32 = 4 << 20
	goLeastHeap32 = 128 << 20
	goMostMeta32  = 260 << 20
)

// goArenaSize is the size of an arena of the process's Go heap.
func (p *process) goArenaSize() uint64 {
	if p.bits32 {
		return goArenaSize32
	}
	return goArenaSize
}

// goHeap32 claims the arenas: runs of whole arenas that begin with memory in use. Where the
// runtime's variables can be read, one has the end of an arena in the run, up to which it may be
// taken into use.
func (c *classifier) goHeap32() {
	known := c.goWords()
	var heaps []span
	c.runs(func(i int) bool {
		v := c.pieces[i].vma
		return c.anonymous(i) && !v.has("nr") && (v.readWrite() || v.reserved())
	}, func(i, j int) {
		start, end := c.pieces[i].start, c.pieces[j-1].end
		whole := start%goArenaSize32 == 0 && end%goArenaSize32 == 0
		if whole && c.pieces[i].vma.readWrite() && (known == nil && end-start >= goLeastHeap32 || hasEnd(known, start, end)) {
			heaps = append(heaps, span{start, end})
		}
	})
	for _, s := range heaps {
		c.claim(s, GoHeap, "whole aligned 4 MiB that begin in use, as a 32-bit Go program has its heap")
	}
}

func hasEnd(known map[uint64]bool, start, end uint64) bool {
	for a := start + goArenaSize32; a <= end; a += goArenaSize32 {
		if known[a] {
			return true
		}
	}
	return false
}

// goReserved32 claims what is reserved for descriptions of arenas. It lies behind those in use, and
// where the runtime's variables can be read, one has its beginning or its end.
func (c *classifier) goReserved32() {
	known := c.goWords()
	for i := 1; i < len(c.pieces); i++ {
		pc, before := &c.pieces[i], &c.pieces[i-1]
		behind := before.end == pc.start && before.vma.anonymous() && before.vma.readWrite()
		if c.anonymous(i) && pc.vma.reserved() && !pc.vma.has("nr") && behind &&
			(known[pc.start] || known[pc.end] || known == nil && pc.size() <= goMostMeta32 && pc.size() > maxGuard) {
			c.claim(pc.span, GoRuntime, "reserved for the descriptions of arenas")
		}
	}
}

// goWords returns the words of the Go runtime's variables; nil where they cannot be read.
func (c *classifier) goWords() map[uint64]bool {
	if len(c.goVars) == 0 || c.memory.mem == nil {
		return nil
	}
	all := make(map[uint64]bool)
	for _, s := range c.goVars {
		c.memory.words(s.start, s.end, func(_, w uint64) { all[w] = true })
	}
	return all
}
