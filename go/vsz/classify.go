package vsz

import (
	"slices"
	"sort"
	"strings"
)

// A piece is a mapping, or the part of one that is of its kind: the kernel merges neighbours that are alike.
type piece struct {
	span
	vma    *vma
	kind   Kind   // "": not told yet
	file   string // the executable or library that it belongs to, where it is of one
	reason string
}

func (pc *piece) free() bool { return pc.kind == "" }

// freeRW: free, and anonymous memory in use that is not reserved with MAP_NORESERVE.
func (pc *piece) freeRW() bool {
	return pc.free() && pc.vma.anonymous() && pc.vma.readWrite() && !pc.vma.has("nr")
}

// classifier attributes the pieces of a process. What one rule has claimed no later one takes.
type classifier struct {
	*process
	pieces []piece // by address
}

// classify attributes every mapping of p to one kind. The rules come from sure to less sure: names and files, what the
// process's own tables point to, the kernel's flags, shape and alignment. The rest is Other.
func classify(p *process) []piece {
	c := &classifier{process: p}
	for i := range p.vmas {
		v := &p.vmas[i]
		c.pieces = append(c.pieces, piece{span: span{v.start, v.end}, vma: v})
	}
	for _, rule := range []func(){
		c.zeroedData,
		c.cmemRegions,
		c.names,
		c.glibcArenas,
		c.goChunks,
		c.goHeap, // before stacks: the arena index may be merged behind one
		c.threadStacks,
		c.goSummaries,
		c.glibcMmapped,
		c.cmemMetadata,
		c.goRuntime,
	} {
		rule()
	}
	c.claimIf(Other, "no rule knows it", func(*piece) bool { return true })
	return c.pieces
}

// claim attributes what is free of s, and returns how many bytes that is.
func (c *classifier) claim(s span, k Kind, reason string) (bytes uint64) {
	for i := 0; i < len(c.pieces); i++ {
		pc := &c.pieces[i]
		if !pc.free() || pc.end <= s.start || pc.start >= s.end {
			continue
		}
		c.split(i, s.start)
		if c.pieces[i].end <= s.start {
			continue // the part before s; the next one begins with it
		}
		c.split(i, s.end)
		c.pieces[i].kind, c.pieces[i].reason = k, reason
		bytes += c.pieces[i].size()
	}
	return bytes
}

// split cuts piece i at address a, where that is inside.
func (c *classifier) split(i int, a uint64) {
	pc := c.pieces[i]
	if a <= pc.start || a >= pc.end {
		return
	}
	rest := pc
	c.pieces[i].end, rest.start = a, a
	c.pieces = slices.Insert(c.pieces, i+1, rest)
}

// claimIf attributes the free pieces for which f holds.
func (c *classifier) claimIf(k Kind, reason string, f func(*piece) bool) {
	for i := range c.pieces {
		if pc := &c.pieces[i]; pc.free() && f(pc) {
			pc.kind, pc.reason = k, reason
		}
	}
}

// anonymous tells whether piece i is free and anonymous memory.
func (c *classifier) anonymous(i int) bool {
	return i >= 0 && i < len(c.pieces) && c.pieces[i].free() && c.pieces[i].vma.anonymous()
}

// at returns the piece that holds address a, or nil.
func (c *classifier) at(a uint64) *piece {
	i := sort.Search(len(c.pieces), func(i int) bool { return c.pieces[i].end > a })
	if i == len(c.pieces) || a < c.pieces[i].start {
		return nil
	}
	return &c.pieces[i]
}

// runs calls f with the pieces [i, j) of each longest run of neighbours, without a gap between, for which member holds.
func (c *classifier) runs(member func(i int) bool, f func(i, j int)) {
	for i := 0; i < len(c.pieces); {
		if !member(i) {
			i++
			continue
		}
		j := i + 1
		for j < len(c.pieces) && member(j) && c.pieces[j].start == c.pieces[j-1].end {
			j++
		}
		f(i, j)
		i = j
	}
}

// zeroedData claims .bss, by the ELF headers. The kernel may merge it onward, with [heap] too.
func (c *classifier) zeroedData() {
	for _, z := range c.zeroed {
		k := BSS
		if z.path != c.exe {
			k = SharedLibs
		}
		c.claim(z.span, k, "zeroed data, by the ELF headers of "+z.path)
		for i := range c.pieces {
			if pc := &c.pieces[i]; pc.kind == k && z.contains(pc.start) {
				pc.file = z.path
			}
		}
	}
}

// named are the kinds of mappings by how the kernel names them. Anonymous memory has names where the kernel has
// CONFIG_ANON_VMA_NAME and its owner gives them: Go does since 1.25, glibc on demand.
var named = []struct {
	prefix string
	kind   Kind
}{
	{"[heap]", BrkHeap},
	{"[stack]", MainStack},
	{"[vdso]", VDSO},
	{"[vvar", VDSO},
	{"[anon: Go: heap index]", GoArenaIndex},
	{"[anon: Go: heap metadata]", GoRuntime},
	{"[anon: Go: heap", GoHeap}, // "heap", "heap reservation"
	{"[anon: Go: user arena chunk]", GoHeap},
	{"[anon: Go: page summary]", GoSummaries},
	{"[anon: Go: page alloc]", GoSummaries},
	{"[anon: Go: scavenge index]", GoSummaries},
	{"[anon: Go: ", GoRuntime},
	{"[anon: glibc: malloc arena]", GlibcArenas},
	{"[anon: glibc: malloc]", GlibcMmapped},
	{"[anon: glibc: pthread", ThreadStacks}, // "pthread stack: TID", "pthread user stack: TID"
	{"[anon:cmem: region]", CmemRegions},
	{"[anon:cmem: ", CmemMetadata},
	{"[anon_shmem:", MappedFiles},
}

// names attributes by file and by the kernel's names.
func (c *classifier) names() {
	for i := range c.pieces {
		pc := &c.pieces[i]
		v := pc.vma
		if v.path == "" || !pc.free() {
			continue
		}
		switch {
		case v.path == c.exe:
			pc.kind, pc.file, pc.reason = Binary, v.path, "the executable's file"
		case c.libs[v.path]:
			pc.kind, pc.file, pc.reason = SharedLibs, v.path, "file of a library"
		case v.path[0] == '/':
			pc.kind, pc.file, pc.reason = MappedFiles, v.path, "file"
		default:
			for _, n := range named {
				if strings.HasPrefix(v.path, n.prefix) {
					pc.kind, pc.reason = n.kind, "the kernel's name "+v.path
					break
				}
			}
		}
	}
}
