package vsz

import (
	"encoding/binary"
	"errors"
	"os"
	"runtime"
	"testing"
	"unsafe"
)

// fakeMemory is a process's memory by words; what is not set is 0.
type fakeMemory map[uint64]uint64

func (m fakeMemory) ReadAt(p []byte, off int64) (int, error) {
	for i := 0; i < len(p); i += wordSize {
		binary.NativeEndian.PutUint64(p[i:], m[uint64(off)+uint64(i)])
	}
	return len(p), nil
}

// fakePagemap tells for each page with a word in it that it is present.
type fakePagemap fakeMemory

func (m fakePagemap) ReadAt(p []byte, off int64) (int, error) {
	present := make(map[uint64]bool)
	for a := range m {
		present[a/pageSize] = true
	}
	for i := 0; i < len(p); i += wordSize {
		var entry uint64
		if present[(uint64(off)+uint64(i))/wordSize] {
			entry = pagePresent
		}
		binary.NativeEndian.PutUint64(p[i:], entry)
	}
	return len(p), nil
}

const (
	kib  = 1 << 10
	mib  = 1 << 20
	base = 0x7e0000000000 // of the tests' mappings: a multiple of 64 MiB, in the zone of mappings
)

// goProcess is one with a main stack, memory, and variables of the Go runtime at vars.
func goProcess(words fakeMemory) *process {
	const vars = 0x500000
	p := &process{exe: "/srv/x", goVersion: "go1.26", stack: 8 * mib,
		memory: memory{mem: words, pagemap: fakePagemap(words)}}
	foreign(p, 0x7ffc00000000, 132*kib, "rw-p", "rd wr mr mw me gd ac")
	p.vmas[0].path = "[stack]"
	p.goVars = map[string]span{"runtime.mheap_": {vars, vars + 4096}, persistentHead: {vars + 4096, vars + 4104}}
	return p
}

func TestArenaHeader(t *testing.T) {
	for name, c := range map[string]struct {
		arena, used uint64
		want        Kind
	}{
		"an arena":          {base + 0x30, 132 * kib, GlibcArenas},
		"nothing":           {0, 0, Other},
		"no arena address":  {0, 132 * kib, Other},
		"more than 64 MiB":  {base + 0x30, 65 * mib, Other},
		"not in full pages": {base + 0x30, 132*kib + 8, Other},
	} {
		p := goProcess(fakeMemory{base: c.arena, base + 16: c.used})
		foreign(p, base, 132*kib, "rw-p", "rd wr mr mw me nr")
		foreign(p, base+132*kib, 64*mib-132*kib, "---p", "mr mw me nr")
		e := explain(p)
		checkSums(t, e)
		if got := e.Kind(c.want).VSZKiB; got != 64<<10 {
			t.Errorf("%s: %d KiB are %s, expected all 65536", name, got, c.want)
		}
	}
}

// The sizes of malloc's blocks in one mapping, and which part of it they are.
func TestMmappedBlocks(t *testing.T) {
	const size = 4 * mib
	block := func(m fakeMemory, at, size uint64) { m[base+at+8] = size | mmappedFlag }
	for name, c := range map[string]struct {
		fill  func(m fakeMemory)
		count int
		kib   uint64
	}{
		"one":                     {func(m fakeMemory) { block(m, 0, size) }, 1, 4096},
		"two":                     {func(m fakeMemory) { block(m, 0, mib); block(m, mib, 3*mib) }, 2, 4096},
		"one, then others'":       {func(m fakeMemory) { block(m, 0, mib) }, 1, 1024},
		"others', then one":       {func(m fakeMemory) { m[base] = 7; block(m, mib, 3*mib) }, 1, 3072},
		"between others'":         {func(m fakeMemory) { m[base] = 7; block(m, mib, mib) }, 1, 1024},
		"data of a block":         {func(m fakeMemory) { block(m, 0, 2*mib); block(m, mib, 3*mib) }, 1, 2048},
		"longer than the mapping": {func(m fakeMemory) { block(m, 0, size+4096) }, 0, 0},
		"not in full pages":       {func(m fakeMemory) { block(m, 0, size-16) }, 0, 0},
		"not from mmap":           {func(m fakeMemory) { m[base+8] = size | 1 }, 0, 0},
		"of a thread's arena":     {func(m fakeMemory) { m[base+8] = size | mmappedFlag | 4 }, 0, 0},
		"behind an aligned part":  {func(m fakeMemory) { m[base] = 64 * kib; block(m, 0, size) }, 0, 0},
		"nothing":                 {func(fakeMemory) {}, 0, 0},
	} {
		words := make(fakeMemory)
		c.fill(words)
		p := goProcess(words)
		foreign(p, base, size, "rw-p", "rd wr mr mw me ac")
		e := explain(p)
		checkSums(t, e)
		if got := e.Kind(GlibcMmapped); got.Count != c.count || got.VSZKiB != c.kib {
			t.Errorf("%s: %d blocks of %d KiB, expected %d of %d", name, got.Count, got.VSZKiB, c.count, c.kib)
		}
	}
}

// What is Go's heap is told by the index of arenas: not by looks.
func TestGoIndex(t *testing.T) {
	const heap, foreignHeap, index, metadata = 0x100000000000, 0x110000000000, base, base + 256*mib
	words := fakeMemory{0x500000 + 64: index + mib, index + mib + indexSlot(heap): metadata}
	p := goProcess(words)
	for _, a := range []uint64{heap, foreignHeap} {
		foreign(p, a, 4*mib, "rw-p", "rd wr mr mw me ac")
		foreign(p, a+4*mib, 60*mib, "---p", "mr mw me")
	}
	foreign(p, index, 35*mib, "rw-p", "rd wr mr mw me ac nh") // merged with neighbours, before and behind it
	foreign(p, metadata, mib, "rw-p", "rd wr mr mw me ac")
	e := explain(p)
	checkSums(t, e)
	byKind{GoHeap: {1, 64 << 10}, GoArenaIndex: {1, 32 << 10}, GoRuntime: {1, 1 << 10}}.check(t, e)
	if got, want := e.Kind(Other).VSZKiB, uint64(64+3)<<10; got != want {
		t.Errorf("%d KiB are other, expected %d", got, want)
	}
}

// The page allocator's tables are where slices of their capacities begin, also in a mapping with others.
func TestSummarySlices(t *testing.T) {
	const table = base + mib
	const vars = 0x500000
	p := goProcess(fakeMemory{vars + 80: table, vars + 88: 5, vars + 96: 1 << 20, // 8 MiB
		vars + 160: table + 8*mib, vars + 168: 6, vars + 176: 1 << 21}) // of no level
	foreign(p, base, 100*mib, "---p", "mr mw me")
	e := explain(p)
	checkSums(t, e)
	byKind{GoSummaries: {1, 8 << 10}, Other: {2, 92 << 10}}.check(t, e)
}

// The Go runtime's memory is what its variables lead to, directly or through each other.
func TestGoReachable(t *testing.T) {
	const first, second, chunk, lonely = base, base + 16*mib, base + 32*mib, base + 48*mib
	p := goProcess(fakeMemory{0x500000 + 8: first + 100, first + 4096: second, 0x501000: chunk})
	for _, a := range []uint64{first, second, chunk, lonely} {
		foreign(p, a, 5*mib, "rw-p", "rd wr mr mw me ac")
	}
	e := explain(p)
	checkSums(t, e)
	// Of the chunk's mapping only the chunk is known to be the runtime's.
	byKind{GoRuntime: {3, 10<<10 + 256}, Other: {2, 5<<10 + 5<<10 - 256}}.check(t, e)
}

// cmem's pagemap, as c/pagemap.h has it: two spans in one region, which malloc has from mmap.
func TestCmemPagemap(t *testing.T) {
	const pagemap, leaf, spans = 0x600000, base + 512*mib, base + 600*mib
	const chunk, region, size = base, base + 64*kib, 1 * mib
	page := func(a uint64) uint64 { return leaf + (a&(1<<cmemLeafShift-1))>>cmemPageShift*wordSize }
	const tag = 0xFC
	p := goProcess(fakeMemory{
		pagemap + base>>cmemLeafShift*wordSize: leaf, leaf + cmemLeafSize - wordSize: base >> cmemLeafShift,
		page(region): spans<<cmemTagBits | tag, page(region + size/2 - 4096): spans << cmemTagBits,
		page(region + size/2): (spans + 128) << cmemTagBits, page(region + size - 4096): (spans+128)<<cmemTagBits | tag,
		region - 16: region - 16 - chunk, region - 8: (size + 16) | mmappedFlag,
	})
	p.data = []span{{pagemap - 4096, pagemap + 4*mib}} // it is not said where the pagemap is
	const merged = 256 * kib                           // of somebody else's, behind the block
	foreign(p, chunk, 64*kib+size+merged, "rw-p", "rd wr mr mw me ac")
	foreign(p, leaf, 3*mib, "rw-p", "rd wr mr mw me ac")
	foreign(p, spans, 256*kib, "rw-p", "rd wr mr mw me ac")
	e := explain(p)
	checkSums(t, e)
	byKind{
		CmemRegions:  {1, (64*kib + size) >> 10},
		CmemMetadata: {2, pageUp(cmemLeafSize+cmemMarks)>>10 + 256},
		Other:        {2, merged>>10 + 3<<10 - pageUp(cmemLeafSize+cmemMarks)>>10},
	}.check(t, e)
}

// Memory of this process, read as another's is.
func TestReadOwnMemory(t *testing.T) {
	m, done := openMemory(os.Getpid())
	defer done()
	block := make([]uint64, 1<<15)
	const i = 1 << 14
	block[i] = 4711
	at := uint64(uintptr(unsafe.Pointer(&block[0])))
	if w, ok := m.word(at + i*wordSize); !ok || w != 4711 {
		t.Errorf("word: %d, %v; expected 4711", w, ok)
	}
	var seen []uint64
	m.words(at, at+uint64(len(block))*wordSize, func(a, w uint64) { seen = append(seen, a-at, w) })
	if len(seen) != 2 || seen[0] != i*wordSize || seen[1] != 4711 {
		t.Errorf("words that are not 0: %v, expected one, 4711 at %d", seen, i*wordSize)
	}
	if got, known := m.residentKiB(at+i*wordSize, at+i*wordSize+8); known && got == 0 {
		t.Error("the page of a word that was written is not resident")
	}
	runtime.KeepAlive(block)
}

// failing is what may not be read.
type failing struct{}

func (failing) ReadAt([]byte, int64) (int, error) { return 0, errors.New("not permitted") }

func TestUnreadableMemory(t *testing.T) {
	for _, m := range []memory{{}, {mem: failing{}, pagemap: failing{}}} {
		if _, ok := m.word(base); ok {
			t.Errorf("%+v: it read a word", m)
		}
		if _, ok := m.residentKiB(base, base+mib); ok {
			t.Errorf("%+v: it knows what is resident", m)
		}
		m.words(base, base+mib, func(a, w uint64) { t.Errorf("%+v: it read %d at %x", m, w, a) })
	}
	// A page that is not present reads as 0 and is not touched.
	if w, ok := (memory{mem: failing{}, pagemap: fakePagemap{}}).word(base); !ok || w != 0 {
		t.Errorf("page without memory: %d, %v; expected 0", w, ok)
	}
}
