package main

import (
	"fmt"
	"time"
)

// A cost is what a load takes of CPU time and of memory, told alike for all loads that have one, so
// that they can be compared. Bytes are those beyond the start, when all but the buffers was there.
type cost struct {
	Rate float64 `json:"rate"` // buffers put back, a second
	CPU  float64 `json:"cpu"`  // µs a buffer, of the whole process
	RSS  float64 `json:"rss"`  // bytes, mean of the window
	// bytes that were asked for and not put back: the most of the last 5 s, mean of the window
	Live   float64 `json:"live"`
	InUse  float64 `json:"inUse"`  // the same of what cmem counts as in use; 0 in modes without it
	Faults float64 `json:"faults"` // a second
	After  float64 `json:"after"`  // bytes, afterDelay after the load's end; the last ones where the silence was shorter
}

const (
	peakSpan   = 5 * time.Second
	afterDelay = 10 * time.Second
)

// cost is that of the window, in which so many buffers were put back.
func (w *watch) cost(buffers float64) *cost {
	in := w.between(w.from, w.to)
	return &cost{
		Rate:   per(buffers, w.seconds()),
		CPU:    per(w.used.cpu.Seconds()*1e6, buffers),
		RSS:    mean(in, rssOf) - w.start,
		Live:   w.meanPeak(liveOf),
		InUse:  w.meanPeak(inUseOf),
		Faults: per(float64(w.used.faults), w.seconds()),
		After:  float64(w.at(w.stoppedAt+afterDelay).rss) - w.start,
	}
}

// inUseOf is what callers of cmem hold and what is free in spans of which they hold a part.
func inUseOf(s *sample) int64 {
	return s.heap.inuse - s.heap.magazines - s.heap.threads - s.heap.transfer
}

// meanPeak is the most of the last peakSpan, as a mean over the window.
func (w *watch) meanPeak(of func(*sample) int64) float64 {
	var sum float64
	n, first := 0, 0
	for i := range w.series {
		at := w.series[i].at
		if at < w.from || at >= w.to {
			continue
		}
		for w.series[first].at < at-peakSpan {
			first++
		}
		sum += peak(w.series[first:i+1], of)
		n++
	}
	return sum / float64(max(n, 1))
}

// multiple is the resident memory for each byte of what had to be there: of what cmem counts as in use, and of the live
// bytes where the buffers are not cmem's.
func (c *cost) multiple() float64 {
	if c.InUse > 0 {
		return per(c.RSS, c.InUse)
	}
	return per(c.RSS, c.Live)
}

func (c *cost) figures() []figure {
	return []figure{
		{"buffers", "1/s", c.Rate, 0},
		{"CPU", "µs/buffer", c.CPU, 2},
		megabytes("RSS-start", c.RSS),
		megabytes("peak live", c.Live),
		megabytes("peak in use", c.InUse),
		{"RSS/peak", "", c.multiple(), 2},
		{"faults", "1/s", c.Faults, 0},
		megabytes(fmt.Sprintf("+%v", afterDelay), c.After),
	}
}
