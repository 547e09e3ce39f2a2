//go:build cgo

package modes

import (
	"unsafe"

	"github.com/gocmem/cmem/cmem/raw"
)

// malloced is C.malloc for every Get and C.free for every Give. What is reused is the C library's decision.
type malloced struct{ tally }

var newRaw = func(Config) Mode { return new(malloced) }

func (m *malloced) Get(n int) []byte {
	m.makes.Add(1)
	return unsafe.Slice(raw.Alloc(uintptr(n)), n)
}

func (m *malloced) Give(b []byte) { raw.Free(unsafe.SliceData(b)) }
