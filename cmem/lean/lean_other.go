//go:build !(cgo && linux)

// Package lean takes away most of what cgo adds to the virtual memory of a program on Linux. In
// this build, without cgo or for another system, there is nothing to do, and it does nothing.
package lean
