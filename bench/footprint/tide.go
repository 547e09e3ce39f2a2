package main

import (
	"fmt"
	"math"
	"time"
)

var tideLoad = &load{
	name: "tide",
	about: fmt.Sprintf("%d to %d goroutines by a sine of %v, buffers log-normal, median 16 KB, every page written, "+
		"held %v",
		tideWorkers/tideEbb, tideWorkers, tidePeriod, tideHold),
	modes:  bufferModes,
	costs:  true,
	runs:   1,
	window: 2 * tidePeriod,
	watch:  10 * time.Second,
	measure: func(t *trial) error {
		return measureCrowd(t, t.workers(tideWorkers), tide{lognormal(16e3, 500, 1e6)}.work)
	},
}

const (
	tideWorkers = 2000
	tideEbb     = 20 // a part of them works always
	tidePeriod  = 2 * time.Second
	tideHold    = 5 * time.Millisecond
)

type tide struct{ sizes *sizes }

func (o tide) work(c *crowd, w *worker) {
	from := turn(w.at, len(c.workers))
	for !c.stop.Load() {
		at := time.Since(c.began) % tidePeriod
		switch {
		case at < from:
			c.pause(w, from-at)
		case at > tidePeriod-from:
			c.pause(w, tidePeriod-at+from)
		default:
			b := c.get(w, o.sizes.draw(&w.rng))
			touch(b)
			time.Sleep(tideHold)
			c.put(w, b)
		}
	}
}

// turn is when in a period the i-th of n workers begins; it ends as long before the next period.
// The number that works is a sine of the time, from n/tideEbb at the period's ends to n in its
// middle.
func turn(i, n int) time.Duration {
	low := float64(n) / tideEbb
	middle, swing := (float64(n)+low)/2, (float64(n)-low)/2
	if float64(i) < low {
		return 0
	}
	return time.Duration(math.Acos((middle-float64(i))/swing) / (2 * math.Pi) * float64(tidePeriod))
}
