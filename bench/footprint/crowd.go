package main

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// A crowd is goroutines that get buffers, use them and put them back, each in its own way.
type crowd struct {
	src      source
	work     func(*crowd, *worker) // what each goroutine does until stop
	workers  []worker
	lat      *latencies // nil: not measured
	begin    chan struct{}
	began    time.Time
	stop     atomic.Bool
	quit     chan struct{} // closed when stop is set, for those who wait
	done     sync.WaitGroup
	inWindow float64 // buffers put back while the watch was open
}

// A worker is one goroutine. Its counters are its own, and padded from the next one's: nobody waits for anybody's cache
// line but the sampler, that adds them up.
type worker struct {
	held   atomic.Int64 // bytes it has got and not put back, as requested; below 0 where it puts back what another got
	bodies atomic.Int64 // buffers put back so far
	at     int          // which worker it is, from 0
	rng    rand.PCG
	times  []latency // not yet in the histograms
	timer  *time.Timer
	read   int // what it has read, which is of no use
	_      [64]byte
}

// newCrowd starts n goroutines, which wait for begin: whatever they need but for the buffers is there when it returns.
func newCrowd(src source, n int, seed uint64, lat *latencies, work func(*crowd, *worker)) *crowd {
	c := &crowd{src: src, work: work, workers: make([]worker, n), lat: lat, begin: make(chan struct{}),
		quit: make(chan struct{})}
	rng := rand.New(rand.NewPCG(seed, 1))
	c.done.Add(n)
	var ready sync.WaitGroup
	ready.Add(n)
	for i := range c.workers {
		w := &c.workers[i]
		w.at, w.rng, w.timer = i, *rand.NewPCG(rng.Uint64(), rng.Uint64()), time.NewTimer(time.Hour)
		if lat != nil {
			w.times = make([]latency, 64)
			clear(w.times) // its pages are to count as the harness's
			w.times = w.times[:0]
		}
		go func() {
			defer c.done.Done()
			time.Sleep(time.Millisecond)  // makes the goroutine's timer
			c.src.put(c.src.get(minBody)) // and a stack as deep as the source's
			ready.Done()
			<-c.begin
			c.work(c, w)
		}()
	}
	ready.Wait()
	return c
}

// get gets a buffer for the worker, put puts it back.
func (c *crowd) get(w *worker, n int) []byte {
	b := c.src.get(n)
	w.held.Store(w.held.Load() + int64(n))
	return b
}

func (c *crowd) put(w *worker, b []byte) {
	w.held.Store(w.held.Load() - int64(len(b)))
	c.src.put(b)
	w.bodies.Store(w.bodies.Load() + 1)
}

// pause waits, or until the end; false then.
func (c *crowd) pause(w *worker, d time.Duration) bool {
	w.timer.Reset(d)
	select {
	case <-w.timer.C:
		return true
	case <-c.quit:
		return false
	}
}

func (c *crowd) live() int64 {
	var sum int64
	for i := range c.workers {
		sum += c.workers[i].held.Load()
	}
	return sum
}

func (c *crowd) bodies() int64 {
	var sum int64
	for i := range c.workers {
		sum += c.workers[i].bodies.Load()
	}
	return sum
}

// finish lets all workers put their buffers back and end.
func (c *crowd) finish() {
	c.stop.Store(true)
	close(c.quit)
	c.done.Wait()
}

// workers is how many goroutines the load's n are in this run.
func (o *order) workers(n int) int {
	if o.Quick {
		return n / 10
	}
	return n
}

// watch lets the crowd work and then rest, as the order says.
func (c *crowd) watch(t *trial) (*watch, error) {
	w, err := newWatch(t, c.live, t.Warmup+t.Window+t.Watch)
	if err != nil {
		return nil, err
	}
	c.began = time.Now()
	close(c.begin)
	time.Sleep(t.Warmup)
	if c.lat != nil {
		c.lat.on.Store(true)
	}
	w.open()
	before := c.bodies()
	time.Sleep(t.Window)
	c.inWindow = float64(c.bodies() - before)
	if c.lat != nil {
		c.lat.on.Store(false)
	}
	if err := w.shut(); err != nil {
		return nil, err
	}
	c.finish()
	if err := w.silence(); err != nil {
		return nil, err
	}
	t.Cost = w.cost(c.inWindow)
	return w, nil
}

// measureCrowd measures a load that is a crowd of n doing this work, and reports its cost.
func measureCrowd(t *trial, n int, work func(*crowd, *worker)) error {
	src, err := newSource(t.Mode)
	if err != nil {
		return err
	}
	if _, err := newCrowd(src, n, t.Seed, nil, work).watch(t); err != nil {
		return err
	}
	t.add(t.Cost.figures()...)
	return nil
}

// figures are what the loads with bodies report.
func (c *crowd) figures(w *watch) []figure {
	in := w.between(w.from, w.to)
	return []figure{
		{"bodies", "1/s", per(c.inWindow, w.seconds()), 0},
		{"CPU", "µs/body", per(w.used.cpu.Seconds()*1e6, c.inWindow), 1},
		megabytes("live", mean(in, liveOf)),
		megabytes("RSS", mean(in, rssOf)),
		megabytes("peak RSS", peak(in, rssOf)),
		megabytes("start", w.start),
	}
}
