package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/gocmem/cmem/examples/proxy/internal/buffers"
	"github.com/gocmem/cmem/examples/proxy/internal/memproto"
)

var (
	// errNoMemory is wrapped by readBody's error when the allocator has nothing
	// to give; nothing was read then.
	errNoMemory = errors.New("out of memory")
	// errBadChunk is readBody's error for a body that does not end where it
	// should; all of size bytes were read.
	errBadChunk = errors.New("the body does not end with a line end")
)

// readBody reads size bytes, a body and its line end, into a new block, which is
// the caller's. On an error there is no block.
func readBody(heap *buffers.Heap, r *bufio.Reader, size int) (buffers.Block, error) {
	block, err := heap.Alloc(size)
	if err != nil {
		return buffers.Block{}, fmt.Errorf("%w: %w", errNoMemory, err)
	}
	_, err = io.ReadFull(r, block.Bytes)
	if err == nil && string(block.Bytes[size-len(memproto.CRLF):]) != memproto.CRLF {
		err = errBadChunk
	}
	if err != nil {
		heap.Free(block)
		return buffers.Block{}, err
	}
	return block, nil
}
