//go:build go1.27 && !go1.28

package cmem

// mP is where an m has its p in Go 1.27 (runtime2.go).
const mP = 0xd0
