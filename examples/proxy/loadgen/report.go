package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/gocmem/cmem/examples/proxy/internal/report"
	"github.com/gocmem/cmem/examples/proxy/internal/status"
)

// latencies is a histogram of durations that all workers share.
type latencies struct {
	mu *sync.Mutex
	h  *hdrhistogram.Histogram // microseconds
}

func newLatencies() latencies {
	longest := (2 * answerTimeout).Microseconds()
	return latencies{mu: new(sync.Mutex), h: hdrhistogram.New(1, longest, 3)}
}

func (l *latencies) record(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// What is beyond the histogram's end counts as its end.
	_ = l.h.RecordValue(min(d.Microseconds(), l.h.HighestTrackableValue()))
}

func summarize(h *hdrhistogram.Histogram) report.Latency {
	ms := func(percentile float64) float64 { return float64(h.ValueAtPercentile(percentile)) / 1000 }
	return report.Latency{
		Count: h.TotalCount(),
		P50:   ms(50),
		P99:   ms(99),
		P999:  ms(99.9),
		Max:   float64(h.Max()) / 1000,
	}
}

// report sums up the run once its workers are done.
func (r *run) report(began, ended time.Time) *report.Report {
	both := newLatencies().h
	both.Merge(r.gets.h)
	both.Merge(r.sets.h)
	seconds := ended.Sub(began).Seconds()
	rep := &report.Report{
		Seed:        r.opts.seed,
		Connections: r.opts.conns,
		Keys:        r.opts.keys,
		Corpus:      report.Corpus{Files: r.corpus.files, Bytes: len(r.corpus.data), Roots: r.corpus.roots},
		MinBody:     int(r.opts.min),
		MaxBody:     int(r.opts.max),
		Began:       began,
		Ended:       ended,
		OpsPerSec:   float64(both.TotalCount()) / seconds,
		BytesPerSec: float64(r.sent.Load()+r.received.Load()) / seconds,
		All:         summarize(both),
		Gets:        summarize(r.gets.h),
		Sets:        summarize(r.sets.h),
		Hits:        r.hits.Load(),
		Misses:      r.misses.Load(),
		Errors:      r.errors.Load(),
		Mismatches:  r.mismatches.Load(),
		RSS:         r.rss.since(began),
	}
	if n := r.bodies.Load(); n > 0 {
		rep.MeanBody = float64(r.bodyBytes.Load()) / float64(n)
	}
	return rep
}

// printReport writes the report for people.
func printReport(rep *report.Report) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "command\tcount\tp50 ms\tp99 ms\tp99.9 ms\tmax ms\t")
	for _, row := range []struct {
		name string
		l    report.Latency
	}{{"get", rep.Gets}, {"set", rep.Sets}, {"all", rep.All}} {
		fmt.Fprintf(w, "%s\t%d\t%.2f\t%.2f\t%.2f\t%.2f\t\n", row.name, row.l.Count, row.l.P50, row.l.P99, row.l.P999,
			row.l.Max)
	}
	w.Flush()
	fmt.Printf("%.0f ops/s, %.1f MiB/s of bodies, mean body %.1f KiB, %d connections\n",
		rep.OpsPerSec, rep.BytesPerSec/(1<<20), rep.MeanBody/1024, rep.Connections)
	fmt.Printf("%d hits, all verified; %d misses, %d errors, %d mismatches\n", rep.Hits, rep.Misses, rep.Errors,
		rep.Mismatches)
	printRSS(rep.RSS)
}

// rssRows is how many moments of the proxy's memory are printed; the JSON report
// has them all.
const rssRows = 12

func printRSS(samples []report.RSSSample) {
	if len(samples) == 0 {
		return
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "second\tproxy's RSS MiB\tlive bodies MiB\t")
	step := max(1, len(samples)/rssRows)
	for i := 0; i < len(samples); i += step {
		s := samples[i]
		fmt.Fprintf(w, "%.1f\t%.1f\t%.1f\t\n", s.Seconds, float64(s.RSSBytes)/(1<<20), float64(s.LiveBytes)/(1<<20))
	}
	w.Flush()
}

// rssSeries is the proxy's memory over time.
type rssSeries struct {
	times   []time.Time
	samples []report.RSSSample // without their Seconds
}

// rssInterval is the time between two samples.
const rssInterval = 100 * time.Millisecond

// watch reads the metrics page at url until stop is called, after which the
// series may be used. It gives up at the first error.
func (s *rssSeries) watch(ctx context.Context, url string) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(rssInterval)
		defer tick.Stop()
		for ctx.Err() == nil {
			page, err := status.Fetch(ctx, url)
			if err != nil {
				if ctx.Err() == nil {
					log.Printf("no more memory samples: %v", err)
				}
				return
			}
			s.times = append(s.times, time.Now())
			s.samples = append(s.samples, report.RSSSample{RSSBytes: page.RSSBytes, LiveBytes: page.LiveBytes})
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// since returns the samples with times that count from began.
func (s *rssSeries) since(began time.Time) []report.RSSSample {
	for i := range s.samples {
		s.samples[i].Seconds = s.times[i].Sub(began).Seconds()
	}
	return s.samples
}
