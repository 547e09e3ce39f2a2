//go:build cgo

package buffers

import (
	"runtime"
	"unsafe"

	"github.com/gocmem/cmem/cmem/raw"
)

// rawHeap is C.malloc and C.free, called for each body, with a finalizer as the
// net for blocks that nobody freed.
type rawHeap struct{}

// rawBlock owns one C block. The finalizer hangs on it, not on the bytes: Go
// memory can have a finalizer, C memory cannot.
type rawBlock struct {
	ptr *byte
}

func newRaw() (allocator, error) { return rawHeap{}, nil }

func (rawHeap) alloc(n int) (Block, error) {
	ptr := raw.Alloc(uintptr(max(n, 1))) // never nil: when there is no memory, cgo ends the process
	b := &rawBlock{ptr: ptr}
	runtime.SetFinalizer(b, (*rawBlock).free)
	return Block{Bytes: unsafe.Slice(ptr, n), handle: b}, nil
}

func (rawHeap) free(b Block) {
	rb := b.handle.(*rawBlock)
	runtime.SetFinalizer(rb, nil)
	rb.free()
}

func (b *rawBlock) free() { raw.Free(b.ptr) }
