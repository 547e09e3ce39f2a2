package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/gocmem/cmem/cmem"
)

// sampleEvery is the time between two samples. One costs some 10 µs (RSS, the bytes of 1,500
// workers, cmem's statistics), a few times that where the caches are cold: 0.2 % of one CPU at
// most, and the same for every source.
const sampleEvery = 20 * time.Millisecond

// A sample is one row of a run's series, in bytes.
type sample struct {
	at        time.Duration // since the load's start
	rss, live int64
	heap      heapSample
}

// heapSample is what cmem says of itself; zeros in modes without it, where it is read nevertheless:
// the harness costs all modes the same.
type heapSample struct {
	sys, inuse, idle, released                           int64
	classLive, magazines, threads, central, transfer, md int64
}

func readHeap() heapSample {
	var s cmem.Stats
	cmem.ReadStats(&s)
	return heapSample{
		sys: int64(s.HeapSys), inuse: int64(s.HeapInuse), idle: int64(s.HeapIdle), released: int64(s.HeapReleased),
		classLive: int64(s.LiveBytes), magazines: int64(s.MagazineBytes), threads: int64(s.ThreadCacheBytes),
		central: int64(s.CentralFreeBytes), transfer: int64(s.TransferBytes), md: int64(s.MetadataSys),
	}
}

// A sampler is the goroutine that watches RSS and live bytes.
type sampler struct {
	rss    *rssReader
	live   func() int64
	began  time.Time
	series []sample
	err    error
	quit   chan struct{}
	done   chan struct{}
}

// newSampler prepares everything, with room for this long a run.
func newSampler(live func() int64, length time.Duration) (*sampler, error) {
	rss, err := newRSSReader()
	if err != nil {
		return nil, err
	}
	series := make([]sample, length/sampleEvery+100)
	clear(series) // its pages are to count as the harness's
	return &sampler{rss: rss, live: live, series: series[:0],
		quit: make(chan struct{}), done: make(chan struct{})}, nil
}

// run starts the goroutine.
func (s *sampler) run() {
	s.began = time.Now()
	go func() {
		defer close(s.done)
		tick := time.NewTicker(sampleEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				s.take()
			case <-s.quit:
				return
			}
		}
	}()
}

func (s *sampler) take() {
	rss, err := s.rss.read()
	if err != nil {
		s.err = err
		return
	}
	s.series = append(s.series, sample{at: time.Since(s.began), rss: rss, live: s.live(), heap: readHeap()})
}

// stop ends the sampling; the series may be read from then on.
func (s *sampler) stop() error {
	close(s.quit)
	<-s.done
	return s.err
}

// between returns the samples from one time of the run to another.
func (s *sampler) between(from, to time.Duration) []sample {
	var in []sample
	for _, p := range s.series {
		if from <= p.at && p.at < to {
			in = append(in, p)
		}
	}
	return in
}

// at returns the last sample not after t.
func (s *sampler) at(t time.Duration) sample {
	var last sample
	for _, p := range s.series {
		if p.at > t {
			break
		}
		last = p
	}
	return last
}

func mean(in []sample, of func(*sample) int64) float64 {
	var sum float64
	for i := range in {
		sum += float64(of(&in[i]))
	}
	return sum / float64(max(len(in), 1))
}

func peak(in []sample, of func(*sample) int64) float64 {
	var top int64
	for i := range in {
		top = max(top, of(&in[i]))
	}
	return float64(top)
}

func rssOf(s *sample) int64  { return s.rss }
func liveOf(s *sample) int64 { return s.live }

// writeCSV writes the series to a file.
func (s *sampler) writeCSV(name string) (err error) {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	w := csv.NewWriter(f)
	rows := [][]string{{"t_s", "rss", "live", "heap_sys", "heap_inuse", "heap_idle", "heap_released", "magazines",
		"central_free"}}
	for _, p := range s.series {
		row := []string{fmt.Sprintf("%.3f", p.at.Seconds())}
		for _, v := range []int64{p.rss, p.live, p.heap.sys, p.heap.inuse, p.heap.idle, p.heap.released, p.heap.magazines,
			p.heap.central} {
			row = append(row, strconv.FormatInt(v, 10))
		}
		rows = append(rows, row)
	}
	return w.WriteAll(rows)
}
