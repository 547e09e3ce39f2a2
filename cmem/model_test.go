package cmem

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestModel has goroutines allocate, fill, verify, resize, free and hand over blocks at random,
// under a changing GOMAXPROCS, with the heap's figures read and its memory given back meanwhile.
// Whoever writes where it must not breaks a pattern.
func TestModel(t *testing.T) {
	for _, m := range []model{
		{name: "bodies", ops: 12_000, hold: 60, maxSize: 300 << 10},
		{name: "small", ops: 60_000, hold: 400, maxSize: 4 << 10},
		{name: "large", ops: 1500, hold: 6, maxSize: 24 << 20, sparse: true},
		{name: "scavenger", ops: 10_000, hold: 60, maxSize: 100 << 10, idleLimit: time.Microsecond},
	} {
		t.Run(m.name, func(t *testing.T) {
			noLeak(t)
			m.run(t)
		})
	}
}

// TestModelOneGoroutine is TestModel with a single goroutine: the same seed is the same run.
func TestModelOneGoroutine(t *testing.T) {
	noLeak(t)
	_, seed := newRand(t)
	w := modelWorker{model: model{hold: 100, maxSize: 200 << 10}, t: t, rng: rand.New(rand.NewPCG(seed, 1))}
	w.run(scaled(20_000))
}

// TestScavengeUnderLoad empties the magazines while goroutines on more Ps than there are cores use
// them: the system stops many of them in the middle of an Alloc or a Free.
func TestScavengeUnderLoad(t *testing.T) {
	noLeak(t)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4 * runtime.NumCPU()))
	var stop atomic.Bool
	var workers sync.WaitGroup
	for w := range runtime.GOMAXPROCS(0) {
		workers.Add(1)
		go func() {
			defer workers.Done()
			mine := byte(w)
			var held [4][]byte
			for !stop.Load() {
				for i := range held {
					held[i] = Alloc(100)
					held[i][0] = mine
				}
				for _, b := range held {
					if b[0] != mine {
						t.Errorf("a block of goroutine %d has another owner", mine)
						return
					}
					Free(b)
				}
			}
		}()
	}
	for start := time.Now(); time.Since(start) < time.Second; {
		Scavenge()
		runtime.Gosched()
	}
	stop.Store(true)
	workers.Wait()
}

type model struct {
	name      string
	ops       int           // a goroutine
	hold      int           // blocks a goroutine
	maxSize   int           // bytes a block; the distribution is even over the logarithm
	sparse    bool          // fill and check the ends of blocks only
	idleLimit time.Duration // for the background scavenger to work meanwhile
}

const modelWorkers = 4

func (m model) run(t *testing.T) {
	rng, seed := newRand(t)
	if m.idleLimit > 0 {
		defer SetIdleLimit(SetIdleLimit(m.idleLimit))
		Free(Alloc(m.maxSize))
		afterGC(t, "the scavenger has begun", func() bool { return statsNow().MagazineBytes == 0 })
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))

	hand := make(chan filled, 4*modelWorkers)
	ticks := make(chan struct{}, modelWorkers)
	var workers sync.WaitGroup
	for i := range modelWorkers {
		workers.Add(1)
		w := modelWorker{model: m, t: t, rng: rand.New(rand.NewPCG(seed, uint64(i+1))), hand: hand, ticks: ticks}
		go func() {
			defer workers.Done()
			w.run(scaled(m.ops))
		}()
	}
	go func() {
		workers.Wait()
		close(ticks)
	}()
	for range ticks {
		disturb(t, rng)
	}
	close(hand)
	for f := range hand {
		m.check(t, f)
		Free(f.b)
	}
}

// disturb does, every now and then, one of the things that go on beside the goroutines of a
// service.
func disturb(t *testing.T, rng *rand.Rand) {
	switch rng.IntN(8) {
	case 0, 1:
		runtime.GOMAXPROCS(1 + rng.IntN(8))
	case 2:
		Scavenge()
	case 3:
		runtime.GC()
	case 4:
		if s := statsNow(); s.HeapSys != s.HeapInuse+s.HeapIdle {
			t.Errorf("HeapSys %d is not HeapInuse %d + HeapIdle %d", s.HeapSys, s.HeapInuse, s.HeapIdle)
		}
	}
}

type modelWorker struct {
	model
	t     *testing.T
	rng   *rand.Rand
	hand  chan filled
	ticks chan<- struct{}

	held []filled
	n    uint64 // blocks made, for seeds that are nobody else's
	id   uint64
}

func (w *modelWorker) run(ops int) {
	w.id = w.rng.Uint64() << 24
	for i := range ops {
		w.op()
		if i%256 == 0 && w.ticks != nil {
			w.ticks <- struct{}{}
		}
		if w.t.Failed() {
			break
		}
	}
	for _, f := range w.held {
		w.check(w.t, f)
		Free(f.b)
	}
}

func (w *modelWorker) op() {
	switch k := w.rng.IntN(100); {
	case len(w.held) == 0 || k < 45 && len(w.held) < w.hold:
		w.alloc()
	case k < 60:
		w.realloc()
	case k < 75 && w.hand != nil:
		w.handOver()
	default:
		f := w.take()
		w.check(w.t, f)
		Free(f.b[:w.rng.IntN(len(f.b))])
	}
}

// size is a random size: each power of two as likely as the next, and often a class's bound.
func (w *modelWorker) size() int {
	n := 1
	for n < w.maxSize && w.rng.IntN(100) < 92 {
		n *= 2
	}
	n = min(n+w.rng.IntN(n), w.maxSize)
	if w.rng.IntN(4) == 0 && n < maxClassSize {
		_, n = classOf(n)
		n = max(n+w.rng.IntN(3)-1, 1)
	}
	return n
}

func (w *modelWorker) alloc() {
	n := w.size()
	b := allocators[w.rng.IntN(len(allocators))]
	buf := b.alloc(n)
	if b.zeroed && !w.sparse {
		checkZero(w.t, buf)
	}
	w.keep(buf)
}

func (w *modelWorker) keep(b []byte) {
	w.n++
	w.held = append(w.held, w.fill(b, w.id+w.n))
}

// take removes a random block from those held.
func (w *modelWorker) take() filled {
	i := w.rng.IntN(len(w.held))
	f := w.held[i]
	last := len(w.held) - 1
	w.held[i] = w.held[last]
	w.held = w.held[:last]
	return f
}

func (w *modelWorker) realloc() {
	f := w.take()
	n := w.size()
	b := Realloc(f.b, n)
	if !w.sparse {
		w.check(w.t, filled{b[:min(n, len(f.b))], f.seed})
	}
	w.keep(b)
}

// handOver gives a block to another goroutine, or frees one that another has given.
func (w *modelWorker) handOver() {
	f := w.take()
	select {
	case w.hand <- f:
	default:
		w.check(w.t, f)
		Free(f.b)
	}
	if w.rng.IntN(2) == 0 {
		select {
		case f := <-w.hand:
			w.check(w.t, f)
			Free(f.b)
		default:
		}
	}
}

// fill is fill of all of b, or of its ends.
func (m model) fill(b []byte, seed uint64) filled {
	if !m.sparse || len(b) < 1024 {
		return fill(b, seed)
	}
	fill(b[:256], seed)
	fill(b[len(b)-256:], seed)
	return filled{b, seed}
}

func (m model) check(t *testing.T, f filled) {
	t.Helper()
	if !m.sparse || len(f.b) < 1024 {
		f.check(t)
		return
	}
	filled{f.b[:256], f.seed}.check(t)
	filled{f.b[len(f.b)-256:], f.seed}.check(t)
}
