//go:build linux

package figures

import (
	"fmt"
	"math"
	"strconv"
)

// count is a number with its thousands apart: 1,264,060.
func count[T int | int64 | uint64](n T) string {
	s := strconv.FormatInt(int64(n), 10)
	first := 0
	if n < 0 {
		first = 1
	}
	for i := len(s) - 3; i > first; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// signed is count with a sign, and "0" without.
func signed(n int64) string {
	if n > 0 {
		return "+" + count(n)
	}
	return count(n)
}

// size is so many KiB for people: MiB from 10 on.
func size(kib int64) string {
	if max(kib, -kib) < 10<<10 {
		return strconv.FormatInt(kib, 10) + " KiB"
	}
	return fmt.Sprintf("%.1f MiB", float64(kib)/(1<<10))
}

// signedSize is size with a sign.
func signedSize(kib int64) string {
	if kib > 0 {
		return "+" + size(kib)
	}
	return size(kib)
}

// short is a number with up to two digits behind the point.
func short(x float64) string {
	return strconv.FormatFloat(math.Round(x*100)/100, 'f', -1, 64)
}
