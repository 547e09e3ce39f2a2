package escape

import (
	"fmt"
	"strconv"
)

// FormatEscapes has fmt write into a buffer that stays. But fmt's arguments are interfaces, and
// what goes into one is copied to the heap: a number (beyond 255; smaller ones the runtime has
// ready), the header of a slice.
//
//go:noinline
func FormatEscapes(n int) int {
	b := make([]byte, 0, 64)    // make([]byte, 0, 64) does not escape
	b = fmt.Appendf(b, "%d", n) // n escapes to heap
	return sum(b)
}

// FormatStays calls the function that is made for the type.
//
//go:noinline
func FormatStays(n int) int {
	b := make([]byte, 0, 64) // make([]byte, 0, 64) does not escape
	b = strconv.AppendInt(b, int64(n), 10)
	return sum(b)
}
