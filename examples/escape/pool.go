package escape

import "sync"

// headers and pointers are pools of the same buffers.
var (
	headers = sync.Pool{New: func() any {
		return make([]byte, 4096) // make([]byte, 4096) escapes to heap
	}}
	pointers = sync.Pool{New: func() any {
		b := make([]byte, 4096) // make([]byte, 4096) escapes to heap; moved to heap: b
		return &b
	}}
)

// PoolEscapes puts a slice into an interface: its header, 24 bytes, goes to the heap each time.
//
//go:noinline
func PoolEscapes() int {
	b := headers.Get().([]byte)
	defer headers.Put(b) // b escapes to heap
	return sum(b[:64])
}

// PoolStays puts a pointer, which an interface holds as it is.
//
//go:noinline
func PoolStays() int {
	b := pointers.Get().(*[]byte)
	defer pointers.Put(b)
	return sum((*b)[:64])
}
