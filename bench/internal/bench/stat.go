package bench

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Median is the middle one of values, or the mean of the two. There must be one at least.
func Median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// SizeName writes n bytes with the largest unit that divides them, a binary one if there is any: 64
// B, 1 KiB, 8 MiB, 10 KB.
func SizeName(n int) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	case n >= 1e6 && n%1e6 == 0:
		return fmt.Sprintf("%d MB", n/1e6)
	case n >= 1e4 && n%1e3 == 0:
		return fmt.Sprintf("%d KB", n/1e3)
	}
	return fmt.Sprintf("%d B", n)
}

// A Ratio is what two series, taken in turn, tell of the ratio of what they measure: the geometric
// mean of the pairs' ratios and the interval that has the true one with a probability of 95 %
// (Student's t of the logarithms).
type Ratio struct{ Mean, Low, High float64 }

// Ratios is that of a to b, which are of the same length, 2 at least, and above 0.
func Ratios(a, b []float64) Ratio {
	n := float64(len(a))
	var sum, squares float64
	for i := range a {
		sum += math.Log(a[i] / b[i])
	}
	mean := sum / n
	for i := range a {
		d := math.Log(a[i]/b[i]) - mean
		squares += d * d
	}
	half := distuv.StudentsT{Sigma: 1, Nu: n - 1}.Quantile(0.975) * math.Sqrt(squares/(n-1)/n)
	return Ratio{math.Exp(mean), math.Exp(mean - half), math.Exp(mean + half)}
}
