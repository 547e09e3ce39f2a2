package main

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// sizes draws body lengths from a log-normal distribution, as sizes of files and
// of objects in caches are distributed: many small ones, a long tail. Lengths
// outside of the limits are drawn again.
type sizes struct {
	min, max  int
	mu, sigma float64 // of the logarithm
}

// spread is the standard deviation of a length's logarithm. With it and a mean
// of 100 KB, half of the bodies are shorter than some 50 KB, and one in a few
// thousand reaches 3 MB.
const spread = 1.2

// newSizes returns lengths between min and max with the given mean, all in
// bytes.
func newSizes(min, max, mean int) (*sizes, error) {
	s := &sizes{min: min, max: max, sigma: spread}
	// Cutting the tails off moves the mean, and there is no closed formula for
	// the way back; but the mean grows with mu.
	low, high := math.Log(float64(min))-10, math.Log(float64(max))+10
	for range 100 {
		s.mu = (low + high) / 2
		if s.mean() < float64(mean) {
			low = s.mu
		} else {
			high = s.mu
		}
	}
	if got := s.mean(); math.Abs(got-float64(mean)) > 0.01*float64(mean) {
		return nil, fmt.Errorf("no mix of lengths from %d to %d has the mean %d", min, max, mean)
	}
	return s, nil
}

// mean is that of the cut-off distribution.
func (s *sizes) mean() float64 {
	if s.min == s.max {
		return float64(s.min)
	}
	a := (math.Log(float64(s.min)) - s.mu) / s.sigma
	b := (math.Log(float64(s.max)) - s.mu) / s.sigma
	whole := math.Exp(s.mu + s.sigma*s.sigma/2)
	return whole * (normalCDF(b-s.sigma) - normalCDF(a-s.sigma)) / (normalCDF(b) - normalCDF(a))
}

func normalCDF(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

func (s *sizes) draw(rng *rand.Rand) int {
	if s.min == s.max {
		return s.min
	}
	for {
		n := int(math.Exp(s.mu + s.sigma*rng.NormFloat64()))
		if s.min <= n && n <= s.max {
			return n
		}
	}
}
