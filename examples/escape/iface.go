package escape

import (
	"bytes"
	"io"
)

// InterfaceEscapes gives its buffer to a method that is known at run time only. That might keep it.
//
//go:noinline
func InterfaceEscapes(r io.Reader) int {
	b := make([]byte, 64) // make([]byte, 64) escapes to heap
	n, _ := r.Read(b)
	return sum(b[:n])
}

// InterfaceStays calls a method that the compiler has seen not to.
//
//go:noinline
func InterfaceStays(r *bytes.Reader) int {
	b := make([]byte, 64) // make([]byte, 64) does not escape
	n, _ := r.Read(b)
	return sum(b[:n])
}

// DevirtualizedStays calls through an interface, too, but the compiler knows what is in it.
//
//go:noinline
func DevirtualizedStays(from []byte) int {
	var r io.Reader = bytes.NewReader(from) // &bytes.Reader{...} does not escape
	b := make([]byte, 64)                   // make([]byte, 64) does not escape
	n, _ := r.Read(b)
	return sum(b[:n])
}

//go:noinline
func readAny[R io.Reader](r R) int {
	b := make([]byte, 64) // make([]byte, 64) escapes to heap
	n, _ := r.Read(b)
	return sum(b[:n])
}

// GenericEscapes calls a generic function, which is no better: all pointer types share its code,
// and that looks the method up.
//
//go:noinline
func GenericEscapes(r *bytes.Reader) int { return readAny(r) }

// FuncEscapes calls a function value, of which the compiler knows as little.
//
//go:noinline
func FuncEscapes(f func([]byte) int) int {
	b := make([]byte, 64) // make([]byte, 64) escapes to heap
	return f(b)
}
