package main

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A crowd is many goroutines that each get a buffer, copy a body in, hold it and put it back, as a proxy's connections
// do.
type crowd struct {
	src              source
	sizes            *sizes
	minHold, maxHold time.Duration
	body             []byte // what they copy, the same for all
	workers          []worker
	lat              *latencies // nil: not measured
	begin            chan struct{}
	inWindow         float64 // bodies put back while the watch was open
	stop             atomic.Bool
	done             sync.WaitGroup
}

// A worker is one goroutine. Its counters are its own, and padded from the next one's: nobody waits for anybody's cache
// line but the sampler, that adds them up.
type worker struct {
	held   atomic.Int64 // bytes it holds now, as requested
	bodies atomic.Int64 // so far
	rng    rand.PCG
	times  []latency // not yet in the histograms
	_      [64]byte
}

// A latency is what one buffer took.
type latency struct{ get, fill time.Duration }

// newCrowd starts the goroutines, which wait for begin: whatever they need but for the buffers is there when it returns.
func newCrowd(src source, s *sizes, n int, minHold, maxHold time.Duration, seed uint64, lat *latencies) *crowd {
	c := &crowd{src: src, sizes: s, minHold: minHold, maxHold: maxHold, lat: lat,
		body: make([]byte, 4<<20), workers: make([]worker, n), begin: make(chan struct{})}
	rng := rand.New(rand.NewPCG(seed, 1))
	for i := range c.body {
		c.body[i] = byte(i) // its pages are to count as the harness's
	}
	c.done.Add(n)
	var ready sync.WaitGroup
	ready.Add(n)
	for i := range c.workers {
		w := &c.workers[i]
		w.rng = *rand.NewPCG(rng.Uint64(), rng.Uint64())
		if lat != nil {
			w.times = make([]latency, 64)
			clear(w.times) // as above
			w.times = w.times[:0]
		}
		go func() {
			defer c.done.Done()
			time.Sleep(time.Millisecond)  // makes the goroutine's timer
			c.src.put(c.src.get(minBody)) // and a stack as deep as the source's
			ready.Done()
			<-c.begin
			c.work(w, i)
		}()
	}
	ready.Wait()
	return c
}

func (c *crowd) work(w *worker, i int) {
	for !c.stop.Load() {
		n := c.sizes.draw(&w.rng)
		timed := c.lat != nil && c.lat.on.Load()
		var began time.Time
		if timed {
			began = time.Now()
		}
		b := c.src.get(n)
		var got time.Duration
		if timed {
			got = time.Since(began)
		}
		w.held.Store(int64(n))
		copy(b, c.body) // touches every page
		if timed {
			w.times = append(w.times, latency{got, time.Since(began)})
			if len(w.times) == cap(w.times) {
				c.lat.record(i, w.times)
				w.times = w.times[:0]
			}
		}
		time.Sleep(c.minHold + time.Duration(w.rng.Uint64()%uint64(c.maxHold-c.minHold)))
		w.held.Store(0)
		c.src.put(b)
		w.bodies.Store(w.bodies.Load() + 1)
	}
	if c.lat != nil {
		c.lat.record(i, w.times)
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
	return w, w.silence()
}

// figures are what every load with a crowd reports.
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

// latencies are the times of a crowd, in a few histograms with a lock each, as one for each worker would be tens of
// megabytes; workers bring theirs in batches.
type latencies struct {
	on     atomic.Bool // while the watch is open
	shards [8]struct {
		sync.Mutex
		get, fill *hdrhistogram.Histogram
	}
}

func newLatencies() *latencies {
	l := new(latencies)
	for i := range l.shards {
		// 1 ns to 2 s, to 1 %.
		l.shards[i].get = hdrhistogram.New(1, 2e9, 2)
		l.shards[i].fill = hdrhistogram.New(1, 2e9, 2)
	}
	return l
}

func (l *latencies) record(worker int, times []latency) {
	s := &l.shards[worker%len(l.shards)]
	s.Lock()
	for _, t := range times {
		// Values above the histogram's end are beyond what a run could show.
		_ = s.get.RecordValue(int64(max(t.get, 1)))
		_ = s.fill.RecordValue(int64(max(t.fill, 1)))
	}
	s.Unlock()
}

// sum is the histograms of all shards in one.
func (l *latencies) sum() (get, fill *hdrhistogram.Histogram) {
	get, fill = hdrhistogram.New(1, 2e9, 2), hdrhistogram.New(1, 2e9, 2)
	for i := range l.shards {
		s := &l.shards[i]
		s.Lock()
		get.Merge(s.get)
		fill.Merge(s.fill)
		s.Unlock()
	}
	return get, fill
}
