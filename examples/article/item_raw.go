//go:build cgo

package main

import (
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"unsafe"

	"github.com/gocmem/cmem/cmem/raw"
)

// allocLimit is up to which size a body is left to make: a cgo call costs more than a small object.
const allocLimit = 4096

// A rawItem is the articles' item of a memcached server. Its body lies in Go's memory, or if it is large in C's.
type rawItem struct {
	Flag  int
	Body  []byte
	alloc *byte // where Body lies in C's memory; nil: it does not
}

// finalized counts the bodies that finalizers have freed.
var finalized atomic.Int64

func newRawItem(length int) *rawItem {
	item := new(rawItem)
	if length <= allocLimit {
		item.Body = make([]byte, length)
		return item
	}
	item.alloc = raw.Alloc(uintptr(length))
	// The body's capacity is set, too: it would be that of the array type, a gigabyte, and an
	// append would write behind the block instead of moving the body to Go's memory. (Before Go 1.2
	// this took reflect.SliceHeader; today unsafe.Slice does all of it.)
	item.Body = (*[1 << 30]byte)(unsafe.Pointer(item.alloc))[:length:length]
	runtime.SetFinalizer(item, func(item *rawItem) {
		if item.alloc != nil {
			item.free()
			finalized.Add(1)
		}
	})
	return item
}

// free gives the body back, once it was sent. Nobody may have a slice of it any more: nothing will tell.
func (item *rawItem) free() {
	raw.Free(item.alloc)
	item.Body, item.alloc = nil, nil
}

func showRaw(out io.Writer) {
	item := newRawItem(100_000)
	fmt.Fprintf(out, "  len %d, cap %d\n", len(item.Body), cap(item.Body))
	grown := append(item.Body, 'x')
	fmt.Fprintf(out, "  one byte appended: in C's memory still: %t\n", &grown[0] == item.alloc)
	item.free()
	fmt.Fprintf(out, "  1000 bytes: in C's memory: %t\n", newRawItem(1000).alloc != nil)

	finalized.Store(0)
	loseRawItems(1000)
	collectUntil(func() bool { return finalized.Load() >= 1000 })
	fmt.Fprintf(out, "  1000 items lost: %d bodies freed by finalizers\n", finalized.Load())
}

//go:noinline
func loseRawItems(n int) {
	for range n {
		newRawItem(100_000)
	}
}
