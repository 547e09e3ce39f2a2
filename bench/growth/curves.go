package main

import "math"

// A curve measures costs while one thing grows.
type curve struct {
	name, about string
	max         int  // of what grows
	needsC      bool // it is about libcmem's inside
	measure     func(*config, *result) error
}

// curves are in the order of the report. An init function sets them, as the measurements look at
// the configuration, which looks at them.
var curves []*curve

func init() {
	curves = []*curve{
		{"live", "live blocks, of which random ones are replaced", 100_000, false, liveBlocks},
		{"goroutines", "goroutines that allocate and free at the same time", 64, false, goroutines},
		{"sizes", "bytes of a block", 64 << 20, false, sizes},
		{"churn", "C threads that have allocated, freed and ended", 10_000, true, churnedThreads},
		{"idle-threads", "C threads that have allocated and freed, and wait", 10_000, true, idleThreads},
		{"runs", "free runs of pages between live blocks", 100_000, true, freeRuns},
		{"extent", "free spans side by side, every second one given back", 31_623, true, oneExtent},
		{"stride", "free runs at equal distances in one region", 3_162, true, stride},
		{"regions", "regions of the heap", 1_000, true, regions},
	}
}

// limit is how far the curve is to go.
func (c *config) limit() int {
	if most := c.only[0].max; c.max == 0 || c.max > most {
		return most
	}
	return c.max
}

// steps are 1, 3, 10, 32, 100 and so on, two a decade, up to max.
func steps(max int) []int {
	var all []int
	for i := 0; ; i++ {
		n := int(math.Round(math.Pow(10, float64(i)/2)))
		if n > max {
			return all
		}
		all = append(all, n)
	}
}
