package main

import (
	"fmt"
	"runtime"
	"time"
)

// A watch is what all loads measure: RSS and live bytes over the whole run, CPU and faults over a window of it.
type watch struct {
	*sampler
	t         *trial
	start     float64          // RSS when all but the buffers was there
	goBefore  runtime.MemStats // at the start
	goAfter   runtime.MemStats // at the window's end
	from, to  time.Duration    // the window
	used      resources        // in the window
	stoppedAt time.Duration    // when the load had ended
	steady    func()           // ends the changes of GOMAXPROCS, if there are any
}

// newWatch starts the watch. The load is about to begin: what it needs but for buffers has been made.
func newWatch(t *trial, live func() int64, length time.Duration) (*watch, error) {
	s, err := newSampler(live, length)
	if err != nil {
		return nil, err
	}
	w := &watch{sampler: s, t: t}
	runtime.ReadMemStats(&w.goBefore)
	start, err := s.rss.read()
	if err != nil {
		return nil, err
	}
	w.start = float64(start)
	s.run()
	w.steady = func() {}
	if t.Changes {
		w.steady = changeProcs()
	}
	return w, nil
}

// open begins the window, shut ends it.
func (w *watch) open() {
	w.used = readResources()
	w.from = time.Since(w.began)
}

func (w *watch) shut() error {
	w.to = time.Since(w.began)
	now := readResources()
	w.used = resources{now.wall - w.used.wall, now.cpu - w.used.cpu, now.faults - w.used.faults,
		now.machine - w.used.machine}
	w.t.Others = max(0, per((w.used.machine-w.used.cpu).Seconds(), w.seconds()))
	runtime.ReadMemStats(&w.goAfter)
	var err error
	w.t.Mappings, err = residentByName()
	return err
}

// silence waits for the load's silence to pass, and ends the watch.
func (w *watch) silence() error {
	w.steady()
	w.stoppedAt = time.Since(w.began)
	time.Sleep(w.t.Watch + 2*sampleEvery)
	return w.end()
}

// end ends the watch, says where the bytes were, and writes the series where that is asked for.
func (w *watch) end() error {
	w.steady()
	if err := w.stop(); err != nil {
		return err
	}
	if in := w.between(w.from, w.to); peak(in, func(s *sample) int64 { return s.heap.sys }) > 0 {
		w.t.Heap = whereHeap(in, w.start, &w.goBefore, &w.goAfter)
	}
	if w.t.CSV == "" {
		return nil
	}
	return w.writeCSV(w.t.CSV)
}

func (w *watch) seconds() float64 { return w.used.wall.Seconds() }

// aboveStart is the footprint: mean RSS beyond the start for each mean live byte.
func (w *watch) aboveStart() float64 { return w.above(w.start) }

func (w *watch) above(base float64) float64 {
	in := w.between(w.from, w.to)
	return per(mean(in, rssOf)-base, mean(in, liveOf))
}

func (w *watch) faultRate() figure {
	return figure{"faults", "1/s", per(float64(w.used.faults), w.seconds()), 0}
}

func (w *watch) cpuMinute() figure {
	return figure{"CPU", "s/min", per(w.used.cpu.Seconds()*60, w.seconds()), 2}
}

// after are the RSS above the start, at these times after the load's end.
func (w *watch) after(times ...time.Duration) []figure {
	var all []figure
	for _, d := range times {
		if d <= w.t.Watch {
			all = append(all, megabytes(fmt.Sprintf("+%v", d), float64(w.at(w.stoppedAt+d).rss)-w.start))
		}
	}
	return all
}

// whereHeap says which part of cmem's heap, and of the Go heap, the resident bytes beyond the start
// are. What cmem counts as in use is not resident where nobody has touched it yet, as the end of a
// large block: the rest may be below zero.
func whereHeap(in []sample, start float64, before, after *runtime.MemStats) []figure {
	of := func(f func(*heapSample) int64) float64 { return mean(in, func(s *sample) int64 { return f(&s.heap) }) }
	live, rss := mean(in, liveOf), mean(in, rssOf)
	classes := of(func(h *heapSample) int64 { return h.classLive })
	magazines := of(func(h *heapSample) int64 { return h.magazines })
	threads := of(func(h *heapSample) int64 { return h.threads })
	central := of(func(h *heapSample) int64 { return h.central })
	idle := of(func(h *heapSample) int64 { return h.idle - h.released })
	goSide := goResident(after) - goResident(before)
	rest := rss - start - classes - magazines - threads - central - idle - goSide
	return []figure{
		megabytes("requested", live), megabytes("rounding", classes-live), megabytes("magazines", magazines),
		megabytes("threads", threads), megabytes("central", central), megabytes("idle", idle),
		megabytes("Go", goSide), megabytes("rest", rest), megabytes("RSS-start", rss-start),
		megabytes("peak live", peak(in, liveOf)),
		megabytes("released", of(func(h *heapSample) int64 { return h.released })),
		megabytes("HeapSys", of(func(h *heapSample) int64 { return h.sys })),
		megabytes("MetadataSys", of(func(h *heapSample) int64 { return h.md })),
	}
}

// goResident is what the Go runtime has taken from the operating system and not given back: its
// heap and the goroutines' stacks, of which not all need have been touched.
func goResident(m *runtime.MemStats) float64 { return float64(m.Sys) - float64(m.HeapReleased) }
