package vsz

// persistentSize is the size of the pieces that the Go runtime cuts most of its structures from. They form a list.
const (
	persistentSize = 256 << 10
	persistentHead = "runtime.persistentChunks"
)

// eachGoWord calls f with the words of the Go runtime's variables that are not 0; of a stripped program, with those of
// all its variables.
func (c *classifier) eachGoWord(f func(addr, word uint64)) {
	for _, s := range c.goVars {
		c.memory.words(s.start, s.end, f)
	}
	if len(c.goVars) == 0 {
		for _, s := range c.data {
			c.memory.words(s.start, s.end, f)
		}
	}
}

// goPointers returns those of eachGoWord's words that may be addresses of anonymous memory.
func (c *classifier) goPointers() []uint64 {
	var all []uint64
	c.eachGoWord(func(_, w uint64) {
		if pc := c.at(w); pc != nil && pc.vma.anonymous() {
			all = append(all, w)
		}
	})
	return all
}

// goChunks claims the pieces on the runtime's list.
func (c *classifier) goChunks() {
	a, _ := c.memory.word(c.goVars[persistentHead].start)
	for n := 0; n < 1<<20; n++ { // 256 GiB of them; a list that is torn ends somewhere
		pc := c.at(a)
		if a == 0 || pc == nil || !pc.free() || !pc.vma.anonymous() {
			return
		}
		c.claim(span{a, a + persistentSize}, GoRuntime, "on the runtime's list of its structures' memory")
		a, _ = c.memory.word(a)
	}
}

// goRuntime claims what the runtime's variables point to, and what is pointed to from there. Where these cannot be read
// (a stripped program, or not ours to trace), what is small is taken for the runtime's.
func (c *classifier) goRuntime() {
	if c.goVersion == "" {
		return
	}
	if c.bits32 {
		c.goReserved32()
	}
	if len(c.goVars) > 0 && c.memory.mem != nil {
		c.goReachable()
		return
	}
	c.claimIf(GoRuntime, "small memory of a Go program of which no more can be read", func(pc *piece) bool {
		return pc.freeRW() && pc.size() <= maxUnproven
	})
}

// maxUnproven is the most that is taken for the runtime's without proof.
const maxUnproven = 4 << 20

// goReachable follows pointers from the runtime's variables, through what is the runtime's already.
func (c *classifier) goReachable() {
	var scan []span
	for _, s := range c.goVars {
		scan = append(scan, s)
	}
	for _, pc := range c.pieces {
		if pc.kind == GoRuntime || pc.kind == GoArenaIndex {
			scan = append(scan, pc.span)
		}
	}
	for len(scan) > 0 {
		s := scan[len(scan)-1]
		scan = scan[:len(scan)-1]
		c.memory.words(s.start, s.end, func(_, w uint64) {
			if pc := c.at(w); pc != nil && pc.freeRW() {
				pc.kind, pc.reason = GoRuntime, "the runtime's variables lead to it"
				scan = append(scan, pc.span)
			}
		})
	}
}
