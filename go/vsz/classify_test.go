package vsz

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fixtures returns the names of all.
func fixtures(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.smaps")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".smaps")
	}
	return files
}

// checkSums wants the kinds to come to the whole, and each byte to be of one mapping.
func checkSums(t *testing.T, e *Explanation) {
	t.Helper()
	var vsz, rss uint64
	for _, k := range e.Kinds {
		vsz += k.VSZKiB
		rss += k.RSSKiB
		if k.CommittedKiB > k.VSZKiB || k.RSSKiB > k.CommittedKiB {
			t.Errorf("%s: %d KiB, %d of it usable, %d resident", k.Kind, k.VSZKiB, k.CommittedKiB, k.RSSKiB)
		}
	}
	if vsz != e.VSZKiB || rss != e.RSSKiB {
		t.Errorf("kinds sum to VSZ %d KiB and RSS %d KiB, expected %d and %d", vsz, rss, e.VSZKiB, e.RSSKiB)
	}
	for i, m := range e.Map {
		if m.End <= m.Start || i > 0 && m.Start < e.Map[i-1].End {
			t.Errorf("mapping %x-%x is empty or overlaps the one before", m.Start, m.End)
		}
		if m.Reason == "" || !slices.Contains(Kinds(), m.Kind) {
			t.Errorf("mapping %x-%x is of kind %q, because %q", m.Start, m.End, m.Kind, m.Reason)
		}
	}
}

// byKind is what a test wants of some kinds: counts and KiB.
type byKind map[Kind]struct {
	count int
	kib   uint64
}

func (want byKind) check(t *testing.T, e *Explanation) {
	t.Helper()
	for k, w := range want {
		if got := e.Kind(k); got.Count != w.count || got.VSZKiB != w.kib {
			t.Errorf("%s: %d of %d KiB, expected %d of %d KiB", k, got.Count, got.VSZKiB, w.count, w.kib)
		}
	}
}

// Real processes of Linux 6.18 and glibc 2.36, of which the memory cannot be read: their shape must do.
func TestFixtures(t *testing.T) {
	noC := byKind{ThreadStacks: {}, GlibcArenas: {}, SharedLibs: {}, BrkHeap: {}, Other: {},
		GoHeap: {1, 64 << 10}, GoArenaIndex: {1, 32 << 10}, BSS: {1, 33032}, MainStack: {1, 132}, VDSO: {3, 32}}
	four := byKind{ThreadStacks: {4, 4 * (8192 + 4)}, GlibcArenas: {4, 4 * 65536}, SharedLibs: {2, 2140},
		BrkHeap: {1, 132},
		GoHeap:  {1, 64 << 10}, GoArenaIndex: {1, 32 << 10}, Other: {}}
	static := byKind{ThreadStacks: {4, 4 * (8192 + 4)}, GlibcArenas: {4, 4 * 65536}, SharedLibs: {}, BrkHeap: {1, 136},
		GoHeap: {1, 64 << 10}, GoArenaIndex: {1, 32 << 10}, Other: {}}
	for name, want := range map[string]byKind{
		"ex1-nocgo":  noC,
		"ex1-cgo":    four,
		"ex1-pie":    four,
		"ex1-static": static,
		// 20 threads that malloc, on two cores: 15 arenas. The random base of the heap lies across two of its arenas.
		"ex6-20": {ThreadStacks: {24, 24 * (8192 + 4)}, GlibcArenas: {15, 15 * 65536}, GoHeap: {2, 128 << 10}, Other: {}},
		// The same with cmem/lean.
		"ex6-lean-20": {ThreadStacks: {23, 23 * (256 + 4)}, GlibcArenas: {}, GoHeap: {1, 64 << 10}, BrkHeap: {1, 1368},
			Other: {}},
	} {
		t.Run(name, func(t *testing.T) {
			e := explain(load(t, name))
			checkSums(t, e)
			want.check(t, e)
			// The runtime's tables are of the same size in all of them, but for the first level.
			if got := e.Kind(GoSummaries).VSZKiB; got < 1123328 || got > 1123456 {
				t.Errorf("%s: %d KiB, expected 1123328 to 1123456", GoSummaries, got)
			}
			if got := e.Kind(GoRuntime).VSZKiB; got < 3000 || got > 4000 {
				t.Errorf("%s: %d KiB, expected 3000 to 4000", GoRuntime, got)
			}
		})
	}
}

// Before Linux 6.7 stacks have no flag of their own: the size, and stack pointers, tell.
func TestKernelsWithoutStackFlag(t *testing.T) {
	for _, name := range []string{"ex1-cgo", "ex6-20", "ex6-lean-20"} {
		p := load(t, name)
		var guards []uint64
		for i := range p.vmas {
			v := &p.vmas[i]
			if v.reserved() && v.has("nh") {
				guards = append(guards, v.end)
			}
			if v.kib() < goIndexSize>>10 { // the index has it from the Go runtime
				v.flags = strings.TrimSuffix(v.flags, " nh")
			}
		}
		if len(guards) == 0 {
			t.Fatalf("%s: no guards", name)
		}
		e := explain(p)
		checkSums(t, e)
		if got := e.Kind(ThreadStacks).Count; name != "ex6-lean-20" && got != len(guards) {
			t.Errorf("%s: %d stacks, expected %d", name, got, len(guards))
		}
		// Of small stacks only those are found that hold a stack pointer; a thread may also wait on a stack of Go's.
		if got := e.Kind(ThreadStacks).Count; got < len(guards)*3/4 {
			t.Errorf("%s: %d stacks, expected at least 3/4 of %d", name, got, len(guards))
		}
	}
}

// A mapping for the process, which no one of Go's, glibc's and cmem's has made.
func foreign(p *process, start, size uint64, perms, flags string) {
	p.vmas = append(p.vmas, vma{start: start, end: start + size, perms: perms, flags: flags})
	slices.SortFunc(p.vmas, func(a, b vma) int { return int(int64(a.start) - int64(b.start)) })
	p.usage.VSZKiB += size >> 10
}

func TestForeignMemoryIsOther(t *testing.T) {
	const where, mib = 0x7e0000000000, 1 << 20 // in the zone of mappings, away from the others
	for name, m := range map[string]struct {
		size         uint64
		perms, flags string
	}{
		"large memory":          {100 * mib, "rw-p", "rd wr mr mw me ac"},
		"aligned 64 MiB":        {64 * mib, "rw-p", "rd wr mr mw me ac"},
		"reserved addresses":    {1 << 30, "---p", "mr mw me"},
		"a guard's size":        {4 << 10, "---p", "mr mw me"},
		"without reservation":   {64*mib - 4096, "rw-p", "rd wr mr mw me nr"},
		"executable memory":     {mib, "rwxp", "rd wr ex mr mw me ac"},
		"memory to read":        {mib, "r--p", "rd mr mw me ac"},
		"shared without a name": {mib, "rw-s", "rd wr sh mr mw me ms"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, fixture := range fixtures(t) {
				p := load(t, fixture)
				before := explain(load(t, fixture))
				foreign(p, where, m.size, m.perms, m.flags)
				e := explain(p)
				checkSums(t, e)
				if got, want := e.Kind(Other).VSZKiB, before.Kind(Other).VSZKiB+m.size>>10; got != want {
					t.Errorf("%s: %d KiB are other, expected %d", fixture, got, want)
				}
			}
		})
	}
}

// The kernel's names come first, whatever the shape.
func TestNames(t *testing.T) {
	for name, want := range map[string]Kind{
		"[anon: Go: heap]":                 GoHeap,
		"[anon: Go: heap reservation]":     GoHeap,
		"[anon: Go: heap index]":           GoArenaIndex,
		"[anon: Go: heap metadata]":        GoRuntime,
		"[anon: Go: immortal metadata]":    GoRuntime,
		"[anon: Go: page summary]":         GoSummaries,
		"[anon: Go: scavenge index]":       GoSummaries,
		"[anon: glibc: malloc arena]":      GlibcArenas,
		"[anon: glibc: malloc]":            GlibcMmapped,
		"[anon: glibc: pthread stack: 17]": ThreadStacks,
		"[anon:cmem: region]":              CmemRegions,
		"[anon:cmem: metadata]":            CmemMetadata,
		"[anon:something else]":            Other,
		"[anon_shmem:cache]":               MappedFiles,
		"[uprobes]":                        Other,
		"/dev/shm/cache (deleted)":         MappedFiles,
		"/srv/data with blanks.db":         MappedFiles,
	} {
		p := &process{exe: "/srv/x", goVersion: "go1.26"}
		foreign(p, 0x7e0000000000, 8<<20, "rw-p", "rd wr mr mw me ac")
		p.vmas[0].path = name
		e := explain(p)
		checkSums(t, e)
		if got := e.Kind(want).VSZKiB; got != 8<<10 {
			t.Errorf("%s: %d KiB are %s, expected %d: %+v", name, got, want, 8<<10, e.Kinds)
		}
	}
}

// Without address space randomization the kernel merges .bss and [heap] into one mapping.
func TestMergedBSS(t *testing.T) {
	p := load(t, "ex1-cgo")
	i := slices.IndexFunc(p.vmas, func(v vma) bool { return v.path == "[heap]" })
	before := explain(load(t, "ex1-cgo"))
	heap, bss := &p.vmas[i], &p.vmas[i-1]
	if bss.path != "" || bss.end >= heap.start {
		t.Fatalf("no .bss before [heap], but %+v", bss)
	}
	bss.end += heap.end - heap.start
	bss.rssKiB += heap.rssKiB
	bss.path = heap.path
	p.vmas = slices.Delete(p.vmas, i, i+1)
	e := explain(p)
	checkSums(t, e)
	for _, k := range []Kind{BSS, BrkHeap} {
		if got, want := e.Kind(k).VSZKiB, before.Kind(k).VSZKiB; got != want || want == 0 {
			t.Errorf("%s: %d KiB, expected %d", k, got, want)
		}
	}
}

// A glibc that has the kernel put guards into page tables maps stacks without a ---p line, and the kernel merges them.
func TestUnguardedStacks(t *testing.T) {
	const size, start = 8<<20 + 4096, 0x7e0000000000
	p := load(t, "ex1-nocgo")
	foreign(p, start, 3*size, "rw-p", "rd wr mr mw me ac nh")
	p.stack = 8 << 20
	p.sps = append(p.sps, start+size+size/2)
	e := explain(p)
	checkSums(t, e)
	byKind{ThreadStacks: {3, 3 * size >> 10}, Other: {}}.check(t, e)
}
