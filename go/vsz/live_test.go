//go:build linux && cgo && !race && !asan && !goexperiment.cgocheck2

// The programs are built the same whatever the tests are built with, so once is enough.

package vsz

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const examples = "../../examples/vsz/"

// settle is shorter than people's: no total is compared here.

const settle = 200 * time.Millisecond

// ready is what the examples print. Those with a server say where it is.

var ready = Ready{Line: regexp.MustCompile(`^ready(?:: (http://\S+))?$`)}

// What the user's environment has on malloc would change what is measured.

func unsetMalloc(t *testing.T) {
	for _, name := range []string{"MALLOC_ARENA_MAX", "MALLOC_ARENA_TEST", "GLIBC_TUNABLES", "CMEMLEAN", "GOMAXPROCS"} {
		if v, set := os.LookupEnv(name); set {
			os.Unsetenv(name)
			t.Cleanup(func() { os.Setenv(name, v) })
		}
	}
}

func lookup(t *testing.T, name string) Variant {
	t.Helper()
	v, err := LookupVariant(name)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func build(t *testing.T, w *Workspace, pkg string, v Variant) *Program {
	t.Helper()
	p, err := w.Build(context.Background(), pkg, v)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func start(t *testing.T, p *Program, cfg RunConfig) *Process {
	t.Helper()
	if cfg.Ready == (Ready{}) {
		cfg.Ready = ready
	}
	proc, err := p.Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proc.Stop)
	return proc
}

// measured starts the program and explains it.

func measured(t *testing.T, p *Program, cfg RunConfig) *Explanation {
	t.Helper()
	proc := start(t, p, cfg)
	defer proc.Stop()
	time.Sleep(settle)
	return explained(t, proc)
}

func explained(t *testing.T, proc *Process) *Explanation {
	t.Helper()
	e, err := Explain(proc.PID())
	if err != nil {
		t.Fatal(err)
	}
	checkSums(t, e)
	if other := e.Kind(Other).VSZKiB; other*100 >= e.VSZKiB {
		t.Errorf("%d KiB of %d are other, expected under 1 %%", other, e.VSZKiB)
	}
	return e
}

// Every example in the variants that differ in what they map.

func TestExamples(t *testing.T) {
	unsetMalloc(t)
	w := workspace(t)
	all := []string{"nocgo", "default", "static", "default+lean"}
	more := []string{"netcgo", "netgo+cgo", "pie", "internal", "external"}
	needsC := []string{"ex3", "ex3http", "ex6"}
	limit := make(chan struct{}, runtime.NumCPU())
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, example := range []string{"ex1", "ex1cmem", "ex2", "ex3", "ex3http", "ex6", "testnetgo"} {
		names := all
		if example == "ex1" {
			names = slices.Concat(all, more)
		}
		for _, name := range names {
			t.Run(example+"/"+name, func(t *testing.T) {
				t.Parallel()
				limit <- struct{}{}
				defer func() { <-limit }()
				v := lookup(t, name)
				p, err := w.Build(context.Background(), examples+example, v)
				var impossible *ImpossibleError
				if v.Cgo == CgoOff && slices.Contains(needsC, example) {
					if !errors.As(err, &impossible) || !strings.Contains(err.Error(), `imports "C" (main.go)`) {
						t.Errorf("error %v, expected an ImpossibleError that names the file", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				checkExample(t, p)
			})
		}
	}
}

// checkExample wants of a program's kinds what its build says, and the sums that ps says.

func checkExample(t *testing.T, p *Program) {
	t.Helper()
	proc := start(t, p, RunConfig{})
	time.Sleep(settle)
	e := explained(t, proc)
	comparePS(t, proc, e)
	stacks, arenas := e.Kind(ThreadStacks), e.Kind(GlibcArenas)
	lean := p.Variant.Lean
	switch {
	case !p.LinksC:
		if stacks.Count != 0 || arenas.Count != 0 || e.Kind(BrkHeap).VSZKiB != 0 {
			t.Errorf("without C: %+v, %+v, %+v; expected none", stacks, arenas, e.Kind(BrkHeap))
		}
	case stacks.Count != e.Threads-1:
		t.Errorf("%d stacks, expected one for each of %d threads but the first", stacks.Count, e.Threads)
	case lean && (arenas.Count != 0 || stacks.CommittedKiB != uint64(stacks.Count)*256):
		t.Errorf("with lean: %d arenas, stacks of %d KiB in all; expected none, and 256 KiB each", arenas.Count,
			stacks.CommittedKiB)
	case !lean && (arenas.Count != stacks.Count || stacks.CommittedKiB != uint64(stacks.Count)*e.StackKiB):
		t.Errorf("%d arenas, stacks of %d KiB in all; expected one for each of %d threads, and %d KiB", arenas.Count,
			stacks.CommittedKiB, stacks.Count, e.StackKiB)
	}
	// The loader is a mapped library that DT_NEEDED does not list.
	libs := e.Kind(SharedLibs).Count
	if static := strings.HasPrefix(p.Linked, "static"); static != (libs == 0) || static != (len(p.Libs) == 0) {
		t.Errorf("%s, with %d libraries mapped, and %q named", p.Linked, libs, p.Libs)
	}
}

// comparePS compares with what ps prints, if the mappings have not changed since.

func comparePS(t *testing.T, proc *Process, e *Explanation) {
	t.Helper()
	ps, err := exec.LookPath("ps")
	if err != nil {
		t.Log("not compared with ps: there is none (Debian has it in procps)")
		return
	}
	for range 5 {
		out, err := exec.Command(ps, "-o", "vsz=,rss=", "-p", strconv.Itoa(proc.PID())).Output()
		if err != nil {
			t.Fatal(err)
		}
		var vsz, rss uint64
		if _, err := fmt.Sscan(string(out), &vsz, &rss); err != nil {
			t.Fatalf("ps printed %q: %v", out, err)
		}
		// The kernel counts resident pages on each CPU apart, and ps sees what has been summed up: of three kinds of
		// pages, up to 32 or twice the number of CPUs on each.
		n := uint64(runtime.NumCPU())
		slack := 3 * n * max(32, 2*n) * pageSize >> 10
		if vsz == e.VSZKiB && max(rss, e.RSSKiB)-min(rss, e.RSSKiB) <= slack {
			return
		}
		t.Logf("ps: VSZ %d KiB, RSS %d KiB; Explain: %d and %d", vsz, rss, e.VSZKiB, e.RSSKiB)
		if e, err = Explain(proc.PID()); err != nil {
			t.Fatal(err)
		}
	}
	t.Error("ps and Explain differed each time")
}

// Each explanation is put to the test by taking its cause away.

func TestInterventions(t *testing.T) {
	unsetMalloc(t)
	w := workspace(t)
	p := build(t, w, examples+"ex1", lookup(t, "default"))
	before := measured(t, p, RunConfig{})
	if n := before.Kind(GlibcArenas).Count; n < 3 {
		t.Errorf("%d arenas, expected one for each thread but the first", n)
	}

	e := measured(t, p, RunConfig{}.With(Knobs()[0]))
	if Knobs()[0].Name != "MALLOC_ARENA_MAX=1" || e.Kind(GlibcArenas).VSZKiB != 0 {
		t.Errorf("%s: %+v, expected no arenas", Knobs()[0].Name, e.Kind(GlibcArenas))
	}

	e = measured(t, p, RunConfig{StackLimit: "1024"})
	if stacks := e.Kind(ThreadStacks); stacks.VSZKiB != uint64(stacks.Count)*(1024+4) || stacks.Count != e.Threads-1 {
		t.Errorf("ulimit -s 1024, %d threads: %+v; expected 1028 KiB for each but the first", e.Threads, stacks)
	}

	e = measured(t, build(t, w, examples+"ex1", lookup(t, "nocgo")), RunConfig{})
	for _, k := range []Kind{GlibcArenas, ThreadStacks, SharedLibs, BrkHeap} {
		if e.Kind(k).VSZKiB != 0 || before.Kind(k).VSZKiB == 0 {
			t.Errorf("%s: %d KiB with cgo, %d without; expected some, and none", k, before.Kind(k).VSZKiB, e.Kind(k).VSZKiB)
		}
	}
}

// cgo's VSZ is T stacks and their guards, and min(T, 8 a core, less the main one) arenas.

func TestLawOfThreads(t *testing.T) {
	unsetMalloc(t)
	const n = 64
	w := workspace(t)
	for _, kind := range []LoadKind{CgoThreads, MallocThreads} {
		p := build(t, w, examples+"ex6", lookup(t, "default").WithLoad(Load{kind, n}))
		e := measured(t, p, RunConfig{})
		stacks, arenas := e.Kind(ThreadStacks), e.Kind(GlibcArenas)
		if stacks.Count < n || stacks.Count != e.Threads-1 {
			t.Errorf("%s: %d stacks of %d threads, expected at least %d, and one for each but the first", kind, stacks.Count,
				e.Threads, n)
		}
		if want := uint64(stacks.Count) * (e.StackKiB + pageSize>>10); stacks.VSZKiB != want {
			t.Errorf("%s: stacks of %d KiB, expected %d × %d and guards: %d", kind, stacks.VSZKiB, stacks.Count, e.StackKiB,
				want)
		}
		if want := min(stacks.Count, 8*runtime.NumCPU()-1); arenas.Count != want {
			t.Errorf("%s: %d arenas, expected %d of %d threads on %d CPUs", kind, arenas.Count, want, stacks.Count,
				runtime.NumCPU())
		}
		// A thread that mallocs makes 64 KiB of an arena resident, one that does not only its arena's head.
		resident := arenas.RSSKiB + e.Kind(BrkHeap).RSSKiB
		if held := uint64(n * 64); (kind == MallocThreads) != (resident >= held) {
			t.Errorf("%s: %d KiB of malloc's memory are resident, of which the threads hold %d", kind, resident, held)
		}
	}
}

func TestGoThreadsNeedNoStacks(t *testing.T) {
	w := workspace(t)
	e := measured(t, build(t, w, examples+"ex2", lookup(t, "nocgo").WithLoad(Load{GoThreads, 64})), RunConfig{})
	if e.Threads < 64 || e.Kind(ThreadStacks).Count != 0 || e.Kind(GlibcArenas).Count != 0 {
		t.Errorf("%d threads, %+v, %+v; expected 64 and no C memory", e.Threads, e.Kind(ThreadStacks), e.Kind(GlibcArenas))
	}
}

// The blocks that threads hold are in cmem's regions, and lean and static make no difference to that.

func TestCmemThreads(t *testing.T) {
	w := workspace(t)
	for _, name := range []string{"default", "static+lean"} {
		const n = 32
		p := build(t, w, examples+"ex1cmem", lookup(t, name).WithLoad(Load{CmemThreads, n}))
		proc := start(t, p, RunConfig{})
		needMemory(t, proc)
		e := explained(t, proc)
		if regions := e.Kind(CmemRegions); regions.RSSKiB < n*64 {
			t.Errorf("%s: cmem's regions: %+v, expected at least %d KiB resident", name, regions, n*64)
		}
		if e.Kind(CmemMetadata).VSZKiB == 0 {
			t.Errorf("%s: no metadata of cmem", name)
		}
	}
	_, err := w.Build(context.Background(), otherModule(t), lookup(t, "default").WithLoad(Load{CmemThreads, 1}))
	var impossible *ImpossibleError
	if !errors.As(err, &impossible) || !strings.Contains(err.Error(), cmemPackage) {
		t.Errorf("a module without cmem: error %v, expected an ImpossibleError that names the package", err)
	}
}

// otherModule writes a program of a module of its own, in a folder whose name has a blank.

// All sources that are added build in a module of an old language version, which has no cmem, and change nothing there.

// The go command takes no overlay for the module cache's files; a program from there is built from a copy.

// needMemory skips what cannot be told by the shape of mappings.

// What is whose in a process with memory of its own making.

// checkPlaces compares the mappings with lines of a kind and an address.

// checkSyscalls wants counts, or the reason why there are none.

// checkWhy wants cgo's cost in words: arenas first, and all of it but 256 KiB.

// What is read of a process that changes its mappings all the time is of one moment.

// A program that ends before it is measured, and a limit that no program can be started with.

// A main package of which the file with C is but a part.

// At whatever moment the context ends, nothing is left.

// processesOf returns the command lines of processes but the guard that name the folder.
