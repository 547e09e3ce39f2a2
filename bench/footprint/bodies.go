package main

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// bodies are what a proxy's connections hold: each worker gets a buffer, copies a body in, holds it and puts it back.
type bodies struct {
	sizes            *sizes
	minHold, maxHold time.Duration
	body             []byte // what they copy, the same for all
}

func newBodies(s *sizes, minHold, maxHold time.Duration) *bodies {
	b := &bodies{sizes: s, minHold: minHold, maxHold: maxHold, body: make([]byte, 4<<20)}
	for i := range b.body {
		b.body[i] = byte(i) // its pages are to count as the harness's
	}
	return b
}

func (o *bodies) work(c *crowd, w *worker) {
	for !c.stop.Load() {
		n := o.sizes.draw(&w.rng)
		timed := c.lat != nil && c.lat.on.Load()
		var began time.Time
		if timed {
			began = time.Now()
		}
		b := c.get(w, n)
		var got time.Duration
		if timed {
			got = time.Since(began)
		}
		copy(b, o.body) // touches every page
		if timed {
			c.lat.add(w, latency{got, time.Since(began)})
		}
		time.Sleep(o.minHold + time.Duration(w.rng.Uint64()%uint64(o.maxHold-o.minHold)))
		c.put(w, b)
	}
	if c.lat != nil {
		c.lat.record(w.at, w.times)
	}
}

// A latency is what one buffer took.
type latency struct{ get, fill time.Duration }

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

// add takes a time of the worker, which brings its times in batches.
func (l *latencies) add(w *worker, t latency) {
	w.times = append(w.times, t)
	if len(w.times) == cap(w.times) {
		l.record(w.at, w.times)
		w.times = w.times[:0]
	}
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
