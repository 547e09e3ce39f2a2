package main

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

var recycleLoad = &load{
	name: "recycle",
	about: fmt.Sprintf("%d live buffers of 5 to 10 MB; %d times a second a random one is replaced by a new one, "+
		"every page touched", recycleLive, replaceRate),
	modes:   bufferModes,
	costs:   true,
	runs:    1,
	window:  60 * time.Second,
	watch:   10 * time.Second,
	measure: measureRecycle,
}

var burstLoad = &load{
	name: "burst",
	about: fmt.Sprintf("%d live buffers of 5 to 10 MB, then %d, with %d replacements a second all the time; RSS/live "+
		"that long after the burst",
		burstLive, recycleLive, replaceRate),
	modes:   bufferModes,
	runs:    1,
	window:  30 * time.Second, // after the burst
	measure: measureBurst,
}

const (
	recycleLive = 20
	burstLive   = 100
	burstTime   = 10 * time.Second
	replaceRate = 100 // a second
)

// A ring is buffers that live until chance replaces them. One goroutine works on it; the bytes are for the sampler too.
type ring struct {
	src     source
	sizes   *sizes
	rng     *rand.PCG
	buffers [][]byte
	dropped int // so far
	bytes   atomic.Int64
}

func newRing(mode string, seed uint64) (*ring, error) {
	src, err := newSource(mode)
	if err != nil {
		return nil, err
	}
	return &ring{src: src, sizes: evenSizes(5e6, 10e6), rng: rand.NewPCG(seed, 1), buffers: make([][]byte, 0, burstLive)},
		nil
}

// fresh gets a buffer and writes to all its pages.
func (r *ring) fresh() []byte {
	b := r.src.get(r.sizes.draw(r.rng))
	r.bytes.Add(int64(len(b)))
	touch(b)
	return b
}

func (r *ring) drop(b []byte) {
	r.bytes.Add(-int64(len(b)))
	r.src.put(b)
	r.dropped++
}

// resize fills the ring, or drops random buffers, until it has n.
func (r *ring) resize(n int) {
	for len(r.buffers) < n {
		r.buffers = append(r.buffers, r.fresh())
	}
	for last := len(r.buffers) - 1; last >= n; last-- {
		i := r.rng.Uint64() % uint64(last+1)
		b := r.buffers[i]
		r.buffers[i], r.buffers[last] = r.buffers[last], nil
		r.buffers = r.buffers[:last]
		r.drop(b)
	}
}

// churn replaces buffers for this long. The new one comes before the old one goes, as where a
// buffer is read into and then swapped in.
func (r *ring) churn(d time.Duration) {
	const every = time.Second / replaceRate
	began := time.Now()
	for next := every; next <= d; next += every {
		time.Sleep(time.Until(began.Add(next)))
		i := r.rng.Uint64() % uint64(len(r.buffers))
		b := r.fresh()
		r.drop(r.buffers[i])
		r.buffers[i] = b
	}
}

func measureRecycle(t *trial) error {
	r, err := newRing(t.Mode, t.Seed)
	if err != nil {
		return err
	}
	w, err := newWatch(t, r.bytes.Load, t.Warmup+t.Window+t.Watch)
	if err != nil {
		return err
	}
	r.resize(recycleLive)
	r.churn(t.Warmup)
	w.open()
	before := r.dropped
	r.churn(t.Window)
	dropped := r.dropped - before
	if err := w.shut(); err != nil {
		return err
	}
	r.resize(0)
	if err := w.silence(); err != nil {
		return err
	}
	t.Cost = w.cost(float64(dropped))
	half := w.between(w.from+t.Window/2, w.to)
	live, rss := mean(half, liveOf), mean(half, rssOf)
	t.add(megabytes("live", live), megabytes("RSS", rss), megabytes("peak RSS", peak(w.between(w.from, w.to), rssOf)),
		megabytes("start", w.start), figure{"RSS/live", "", per(rss, live), 3},
		figure{"(RSS-start)/live", "", per(rss-w.start, live), 3},
		w.cpuMinute(), w.faultRate())
	t.add(w.after(2*time.Second, 5*time.Second, 10*time.Second)...)
	return nil
}

func measureBurst(t *trial) error {
	r, err := newRing(t.Mode, t.Seed)
	if err != nil {
		return err
	}
	burst := burstTime
	if t.Quick {
		burst = t.Window / 2
	}
	w, err := newWatch(t, r.bytes.Load, burst+t.Window)
	if err != nil {
		return err
	}
	r.resize(burstLive)
	r.churn(burst)
	top := time.Since(w.began)
	r.resize(recycleLive)
	w.open()
	r.churn(t.Window)
	if err := w.shut(); err != nil {
		return err
	}
	if err := w.end(); err != nil {
		return err
	}
	in := w.between(top-burst/4, top)
	t.add(megabytes("live, burst", mean(in, liveOf)), megabytes("RSS, burst", mean(in, rssOf)),
		figure{"RSS/live", "", per(mean(in, rssOf), mean(in, liveOf)), 2})
	// A second's mean, for the live bytes move by some percent with each replacement.
	for _, d := range []time.Duration{time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second} {
		if d <= t.Window {
			in := w.between(w.from+d-time.Second, w.from+d)
			t.add(figure{fmt.Sprintf("+%v", d), "", per(mean(in, rssOf), mean(in, liveOf)), 2})
		}
	}
	t.add(w.cpuMinute(), w.faultRate())
	return nil
}
