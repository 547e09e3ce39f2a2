package main

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

var vszLoad = &load{
	name: "vsz",
	about: fmt.Sprintf("threads that hold %d bodies each (log-normal, mean 99 KB) and replace one a millisecond, "+
		"against threads that do nothing; "+
		"go: goroutines locked to their threads, c: C threads", threadSlots),
	modes:    vszModes(),
	threads:  []int{64, 256},
	runs:     1,
	window:   3 * time.Second,
	measure:  measureVSZ,
	conclude: concludeVSZ,
}

// threadSlots is how many buffers a thread holds.
const threadSlots = 16

// Thread modes are family and work: "go-idle".
var (
	threadFamilies = []string{"go"}
	threadWork     = []string{"idle", "raw", "cmem"}
)

func vszModes() []string {
	var modes []string
	for _, f := range append(threadFamilies, cThreadFamily...) {
		for _, w := range threadWork {
			if w != "raw" || haveRaw {
				modes = append(modes, f+"-"+w)
			}
		}
	}
	return modes
}

// threads are the threads of one measurement.
type threads interface {
	live() int64
	stop()
}

func measureVSZ(t *trial) error {
	family, work, _ := strings.Cut(t.Mode, "-")
	start := startGoThreads
	if family == "c" {
		start = startCThreads
	}
	var started atomic.Pointer[threads]
	w, err := newWatch(t, func() int64 {
		if ts := started.Load(); ts != nil {
			return (*ts).live()
		}
		return 0
	}, t.Window)
	if err != nil {
		return err
	}
	ts, err := start(t.Threads, work, t.Seed)
	if err != nil {
		return err
	}
	started.Store(&ts)
	time.Sleep(t.Warmup)
	w.open()
	time.Sleep(t.Window)
	if err := w.shut(); err != nil {
		return err
	}
	s, err := status()
	if err != nil {
		return err
	}
	n, err := threadCount()
	if err != nil {
		return err
	}
	arenas, err := mallocArenas()
	if err != nil {
		return err
	}
	if err := w.end(); err != nil {
		return err
	}
	ts.stop()
	all := w.between(w.from, w.to)
	t.add(figure{"threads", "", float64(n), 0}, megabytes("VmSize", float64(s.VmSize)),
		megabytes("VmPeak", float64(s.VmPeak)), megabytes("VmHWM", float64(s.VmHWM)),
		megabytes("peak live", peak(all, liveOf)), megabytes("RSS", mean(all, rssOf)), megabytes("live", mean(all, liveOf)),
		megabytes("cmem's own", peak(all, func(s *sample) int64 { return s.heap.sys + s.heap.md })),
		figure{"malloc's arenas", "", float64(arenas), 0})
	return nil
}

// concludeVSZ takes the threads that do nothing away from those that work. In the difference is
// whatever Go and malloc reserved in one run and not in the other, in steps of 64 MiB; so it also
// says what cmem has itself, and what it was to have at most.
func concludeVSZ(trials []*trial) []string {
	var lines []string
	all := rows(trials)
	for _, r := range all {
		family, work, _ := strings.Cut(r.Mode, "-")
		i := slices.IndexFunc(all, func(idle *row) bool {
			return idle.Mode == family+"-idle" && idle.Threads == r.Threads && idle.Procs == r.Procs
		})
		if work == "idle" || i < 0 {
			continue
		}
		more, peak := r.median("VmSize")-all[i].median("VmSize"), r.median("peak live")
		line := fmt.Sprintf("%s, %d CPUs: VmSize %+.1f MB (VmPeak %+.1f) against threads that do nothing, with %+.0f "+
			"threads of Go's own; peak live %.1f MB: %.2f times",
			r.label(), r.Procs, more, r.median("VmPeak")-all[i].median("VmPeak"), r.median("threads")-all[i].median("threads"),
			peak, per(more, peak))
		if work == "cmem" {
			line += fmt.Sprintf("; cmem's own regions and metadata: %.1f MB (target %.1f)", r.median("cmem's own"),
				1.25*peak+(64<<20)/1e6)
		}
		lines = append(lines, line)
	}
	return lines
}

// goThreads are goroutines locked to threads.
type goThreads struct {
	src   source // nil: idle
	sizes *sizes
	held  []struct {
		bytes atomic.Int64
		_     [56]byte // the next one's is on another cache line
	}
	quit atomic.Bool
	done sync.WaitGroup
}

func startGoThreads(n int, work string, seed uint64) (threads, error) {
	ts := &goThreads{sizes: lognormalSizes()}
	if work != "idle" {
		var err error
		if ts.src, err = newSource(work); err != nil {
			return nil, err
		}
	}
	ts.held = make([]struct {
		bytes atomic.Int64
		_     [56]byte
	}, n)
	ts.done.Add(n)
	for i := range n {
		go ts.work(&ts.held[i].bytes, rand.NewPCG(seed, uint64(i)))
	}
	return ts, nil
}

func (ts *goThreads) work(held *atomic.Int64, rng *rand.PCG) {
	defer ts.done.Done()
	runtime.LockOSThread() // for good: the thread ends with the goroutine
	var slots [threadSlots][]byte
	for i := 0; !ts.quit.Load(); i = int(rng.Uint64() % threadSlots) {
		if ts.src != nil {
			if slots[i] != nil {
				held.Add(-int64(len(slots[i])))
				ts.src.put(slots[i])
			}
			slots[i] = ts.src.get(ts.sizes.draw(rng))
			touch(slots[i])
			held.Add(int64(len(slots[i])))
		}
		time.Sleep(time.Millisecond)
	}
	for _, b := range slots {
		if b != nil {
			ts.src.put(b)
		}
	}
}

func (ts *goThreads) live() int64 {
	var sum int64
	for i := range ts.held {
		sum += ts.held[i].bytes.Load()
	}
	return sum
}

func (ts *goThreads) stop() {
	ts.quit.Store(true)
	ts.done.Wait()
}
