package main

import (
	"fmt"
	"os"
	"time"
)

// progress tells on standard error how far a mode's run is: a line that is rewritten on a terminal, a line a sample
// elsewhere.
type progress struct {
	mode       string
	total      time.Duration
	begin, end string // of a line
}

func newProgress(mode string, total time.Duration) *progress {
	p := &progress{mode: mode, total: total, end: "\n"}
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		p.begin, p.end = "\r\x1b[K", ""
	}
	return p
}

func (p *progress) show(s *sample) {
	fmt.Fprintf(os.Stderr, "%s%-16s %3.0f of %.0f s  %-8s live %4.0f MB  RSS %4.0f MB  makes %d%s", p.begin,
		p.mode, s.seconds, p.total.Seconds(), s.phase, mb(s.live), mb(s.rss), s.makes, p.end)
}

// done ends a line that was to be rewritten.
func (p *progress) done() {
	if p.end == "" {
		fmt.Fprintln(os.Stderr)
	}
}

// mb is bytes in megabytes of 10⁶.
func mb(bytes int64) float64 { return float64(bytes) / 1e6 }
