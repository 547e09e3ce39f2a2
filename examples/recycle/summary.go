package main

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
)

// quietFor is how far into the silence the table looks first.
const quietFor = 10 // seconds

// A row is a mode's line of the table. Sizes are in MB, and NaN where the run had no such phase.
type row struct {
	mode string

	// Means over the second half of the steady phase, when every pool has found its size.
	live, rss float64

	// The whole steady phase.
	peak     float64 // RSS
	cpu      float64 // seconds a minute
	gets     int64
	makes    int64
	tooSmall int64
	faults   int64

	burstPeak float64 // RSS, until the burst's end
	afterEnd  float64 // RSS at the end of the traffic after the burst
	quiet     float64 // RSS, quietFor into the silence
	quietEnd  float64 // RSS at its end
}

// summarize makes a mode's samples into its row.
func summarize(mode string, samples []sample) row {
	first, last := bounds(samples, steady)
	r := row{
		mode:     mode,
		peak:     mb(last.peakRSS),
		cpu:      (last.cpu - first.cpu) / (last.seconds - first.seconds) * 60,
		gets:     last.gets,
		makes:    last.makes,
		tooSmall: last.tooSmall,
		faults:   last.minorFaults,
		quiet:    math.NaN(),
	}
	var n float64
	for _, s := range samples {
		if s.phase == steady && s.seconds >= (first.seconds+last.seconds)/2 {
			r.live += mb(s.live)
			r.rss += mb(s.rss)
			n++
		}
	}
	r.live /= n
	r.rss /= n

	_, burstEnd := bounds(samples, burst)
	_, afterEnd := bounds(samples, after)
	quietBegin, quietEnd := bounds(samples, silence)
	r.burstPeak, r.afterEnd, r.quietEnd = math.NaN(), math.NaN(), math.NaN()
	if burstEnd != nil {
		r.burstPeak = mb(burstEnd.peakRSS)
	}
	if afterEnd != nil {
		r.afterEnd = mb(afterEnd.rss)
	}
	if quietEnd != nil {
		r.quietEnd = mb(quietEnd.rss)
	}
	for _, s := range samples {
		if s.phase == silence && s.seconds >= quietBegin.seconds+quietFor {
			r.quiet = mb(s.rss)
			break
		}
	}
	return r
}

// bounds are a phase's first and last samples, nil where the run had no such phase.
func bounds(samples []sample, phase string) (first, last *sample) {
	for i := range samples {
		if samples[i].phase != phase {
			continue
		}
		if first == nil {
			first = &samples[i]
		}
		last = &samples[i]
	}
	return first, last
}

// ratio is resident by live memory.
func (r *row) ratio() float64 { return r.rss / r.live }

// describe says what was run, for the table's and the charts' heads.
func describe(c *config) string {
	gogc := "100"
	if v := os.Getenv("GOGC"); v != "" {
		gogc = v
	}
	s := fmt.Sprintf("%d live buffers of 5-10 MB, %d replaced a second", c.live, c.rate)
	if c.burst > 0 && c.burstFor > 0 {
		s += fmt.Sprintf("; burst: %d live for %g s", c.burst, c.burstFor.Seconds())
	}
	s += fmt.Sprintf("; seed %d; %s, GOGC=%s", c.seed, runtime.Version(), gogc)
	if v := os.Getenv("GOMEMLIMIT"); v != "" {
		s += ", GOMEMLIMIT=" + v
	}
	return s
}

// table is the rows in Markdown, with the columns in line.
func table(rows []row) string {
	cells := [][]string{{
		"mode", "live MB", "RSS MB", "RSS/live", "peak MB", "CPU s/min", "gets", "makes", "too small", "faults",
		"burst peak MB", "after it MB", fmt.Sprintf("silent %d s MB", quietFor), "silent end MB",
	}}
	for _, r := range rows {
		cells = append(cells, []string{
			r.mode, size(r.live), size(r.rss), fmt.Sprintf("%.2f", r.ratio()), size(r.peak), fmt.Sprintf("%.1f", r.cpu),
			fmt.Sprint(r.gets), fmt.Sprint(r.makes), fmt.Sprint(r.tooSmall), fmt.Sprint(r.faults),
			size(r.burstPeak), size(r.afterEnd), size(r.quiet), size(r.quietEnd),
		})
	}
	widths := make([]int, len(cells[0]))
	for _, line := range cells {
		for i, cell := range line {
			widths[i] = max(widths[i], len(cell))
		}
	}
	var b strings.Builder
	for i, line := range cells {
		fmt.Fprintf(&b, "| %-*s |", widths[0], line[0])
		for j, cell := range line[1:] {
			fmt.Fprintf(&b, " %*s |", widths[j+1], cell)
		}
		b.WriteByte('\n')
		if i == 0 {
			fmt.Fprintf(&b, "|%s|", strings.Repeat("-", widths[0]+2))
			for _, w := range widths[1:] {
				fmt.Fprintf(&b, "%s:|", strings.Repeat("-", w+1))
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// size prints megabytes, and a dash for none.
func size(mb float64) string {
	if math.IsNaN(mb) {
		return "-"
	}
	return fmt.Sprintf("%.0f", mb)
}
