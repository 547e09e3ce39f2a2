package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// progress shows a mode's samples as they are taken, under the columns' names: the article's four
// figures of the heap and its count of buffers, with what is held and resident beside them. A line
// is rewritten on a terminal; elsewhere there is one a sample.
type progress struct {
	out        io.Writer
	mode       string
	total      time.Duration
	begin, end string // of a line
	headed     bool
}

func newProgress(mode string, total time.Duration) *progress {
	p := &progress{out: os.Stderr, mode: mode, total: total, end: "\n"}
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		p.begin, p.end = "\r\x1b[K", ""
	}
	return p
}

func (p *progress) show(s *sample) {
	if !p.headed {
		fmt.Fprintf(p.out, "%-16s %11s  %-8s %8s %10s %9s %13s %7s %6s %6s\n", "mode", "seconds", "phase", "HeapSys",
			"HeapAlloc", "HeapIdle",
			"HeapReleased", "makes", "live", "RSS MB")
		p.headed = true
	}
	fmt.Fprintf(p.out, "%s%-16s %11s  %-8s %8.0f %10.0f %9.0f %13.0f %7d %6.0f %6.0f%s", p.begin, p.mode,
		fmt.Sprintf("%.0f of %.0f", s.seconds, p.total.Seconds()), s.phase, mb(s.heapSys), mb(s.heapAlloc), mb(s.heapIdle),
		mb(s.heapReleased),
		s.makes, mb(s.live), mb(s.rss), p.end)
}

// done ends a line that was to be rewritten.
func (p *progress) done() {
	if p.headed && p.end == "" {
		fmt.Fprintln(p.out)
	}
}

// mb is bytes in megabytes of 10⁶.
func mb(bytes int64) float64 { return float64(bytes) / 1e6 }
