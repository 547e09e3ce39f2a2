package main

import (
	"math"
	"math/rand/v2"
)

// The bodies of the loads: 10 KB to 3 MB, on average about 100 KB, as a proxy sees them.
const (
	minBody = 10_000
	maxBody = 3_000_000

	meanPareto    = 100_000
	meanLognormal = 99_000

	// spread is the standard deviation of the logarithm of a log-normal body: half of the bodies are then shorter than
	// some 50 KB, and one in a few thousand reaches 3 MB.
	spread = 1.2
)

// sizes is a distribution, as its quantiles at even steps: a draw is one random index, with no logarithm to pay on the
// measured path, and the mean is the same whatever the seed.
type sizes [1 << 13]int32

func (s *sizes) draw(rng *rand.PCG) int { return int(s[rng.Uint64()%uint64(len(s))]) }

func (s *sizes) mean() float64 {
	var sum float64
	for _, n := range s {
		sum += float64(n)
	}
	return sum / float64(len(s))
}

// paretoSizes are bodies of a Pareto distribution cut off at both bounds. Its exponent alpha
// follows from the mean: 0.69 for 100 KB. (With the bounds given, 1 would mean 57 KB.)
func paretoSizes() *sizes {
	return fit(meanPareto, 2, 0.1, func(alpha, u float64) float64 {
		low, high := math.Pow(minBody, -alpha), math.Pow(maxBody, -alpha)
		return math.Pow(low-u*(low-high), -1/alpha)
	})
}

// lognormalSizes are bodies of a log-normal distribution cut off at both bounds.
func lognormalSizes() *sizes {
	return fit(meanLognormal, math.Log(minBody)-10, math.Log(maxBody)+10, func(mu, u float64) float64 {
		return lognormalQuantile(u, mu, minBody, maxBody)
	})
}

// lognormal are sizes of a log-normal distribution of this median, cut off at both bounds.
func lognormal(median, low, high float64) *sizes {
	var s sizes
	s.fill(func(u float64) float64 { return lognormalQuantile(u, math.Log(median), low, high) })
	return &s
}

func lognormalQuantile(u, mu, low, high float64) float64 {
	from, to := normalCDF((math.Log(low)-mu)/spread), normalCDF((math.Log(high)-mu)/spread)
	z := math.Sqrt2 * math.Erfinv(2*(from+u*(to-from))-1)
	return math.Exp(mu + spread*z)
}

func normalCDF(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

// evenSizes are bodies from low to high, each as likely as any other.
func evenSizes(low, high float64) *sizes {
	var s sizes
	s.fill(func(u float64) float64 { return low + u*(high-low) })
	return &s
}

// fit finds the parameter of a distribution, between less (which gives a low mean) and more, with which the bodies have
// this mean.
func fit(mean, less, more float64, quantile func(param, u float64) float64) *sizes {
	var s sizes
	for range 40 {
		param := (less + more) / 2
		s.fill(func(u float64) float64 { return quantile(param, u) })
		if s.mean() < mean {
			less = param
		} else {
			more = param
		}
	}
	return &s
}

func (s *sizes) fill(quantile func(u float64) float64) {
	for i := range s {
		n := quantile((float64(i) + 0.5) / float64(len(s)))
		if math.IsNaN(n) {
			n = minBody
		}
		s[i] = int32(n)
	}
}
