package main

import "time"

// The phases of a run, as the CSV names them.
const (
	steady  = "steady"
	burst   = "burst"
	after   = "after"
	silence = "silence"
)

// A phase is a stretch of a run with the same load.
type phase struct {
	name   string
	length time.Duration
	live   int // buffers held
	rate   int // buffers replaced a second
}

// phases lists what a run goes through, without the phases that are 0 long.
func (c *config) phases() []phase {
	all := []phase{{steady, c.steady, c.live, c.rate}}
	if c.burst > 0 && c.burstFor > 0 {
		all = append(all, phase{burst, c.burstFor, c.burst, c.rate})
		if c.after > 0 {
			all = append(all, phase{after, c.after, c.live, c.rate})
		}
	}
	if c.silence > 0 {
		all = append(all, phase{silence, c.silence, 0, 0})
	}
	return all
}

// length is how long a run takes.
func (c *config) length() (d time.Duration) {
	for _, p := range c.phases() {
		d += p.length
	}
	return d
}
