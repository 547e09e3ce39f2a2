//go:build go1.25 && !go1.26

package cmem

// mP is where an m has its p in Go 1.25 (runtime2.go).
const mP = 0xc8
