//go:build go1.24 && !go1.25

package cmem

// mP is where an m has its p in Go 1.24 (runtime2.go).
const mP = 0xd0
