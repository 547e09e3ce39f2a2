//go:build !amd64 || !cgo || !linux || race || asan || cmem_pinned || !go1.24 || go1.28

package cmem

// Where handles have no assembly (handle_amd64.go) New and Free are those of buffer.go.

func newBuffer(n int) Buffer { return newPinned(n) }

func release(o *owner, gen uint64) { releasePinned(o, gen) }
