//go:build !amd64 || !cgo || !linux || race || asan || cmem_pinned || !go1.24 || go1.28

package cmem

func newBuffer(n int) Buffer { return newPinned(n) }

func release(o *owner, gen uint64) { releasePinned(o, gen) }
