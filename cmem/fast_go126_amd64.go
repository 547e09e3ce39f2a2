//go:build go1.26 && !go1.27

package cmem

// mP is where an m has its p in Go 1.26 (runtime2.go).
const mP = 0xd0
