package main

import (
	"math/bits"
	"time"

	"github.com/gocmem/cmem/bench/internal/bench"
)

// samples are taken of each point in a process, one after another; the point is their median. They
// are many and short, so that most fall between two moments at which the processor is another
// process's.
const samples = 9

// fewSamples are taken where each needs a heap to be built.
const fewSamples = 3

// cost is the time of an operation in nanoseconds; op(n) does n of them.
func (c *config) cost(op func(n int)) float64 {
	n := count(op, c.time)
	return rate(samples, func() float64 {
		start := time.Now()
		op(n)
		return since(start) / float64(n)
	})
}

// rate is the median of what n calls of sample return.
func rate(n int, sample func() float64) float64 {
	var all []float64
	for range n {
		all = append(all, sample())
	}
	return bench.Median(all)
}

// since is in nanoseconds, and never 0: the logarithmic axes have no place for it.
func since(start time.Time) float64 { return float64(max(time.Since(start), 1)) }

// count finds how many operations take about d. The first one is not among them: it may make what the others reuse.
func count(op func(n int), d time.Duration) int {
	op(1)
	for n := 1; ; n *= 2 {
		start := time.Now()
		op(n)
		if elapsed := time.Since(start); elapsed >= d/4 {
			return max(int(float64(n)*float64(d)/float64(max(elapsed, 1))), 1)
		}
	}
}

// random is xorshift64*: a few instructions, so that it does not hide what it drives.
type random uint64

// newRandom makes a generator; every seed will do.
func newRandom(seed int) random { return random(uint64(seed)*0x9E3779B97F4A7C15 | 1) }

// below returns a number from 0 to n-1.
func (r *random) below(n int) int {
	x := *r
	x ^= x >> 12
	x ^= x << 25
	x ^= x >> 27
	*r = x
	hi, _ := bits.Mul64(uint64(x)*0x2545F4914F6CDD1D, uint64(n))
	return int(hi)
}
