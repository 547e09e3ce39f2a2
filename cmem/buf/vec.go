package buf

import (
	"fmt"
	"io"
	"net"

	"github.com/gocmem/cmem/cmem"
)

// A Vec is a list of buffers that are written one after the other, where the system can with one
// call (writev): a header, a body and a trailer need not be copied together. It is a net.Buffers
// that owns what it holds: a buffer is freed once it is written or read, and the rest by Free.
//
// The zero value is an empty list, ready to use. A Vec must not be copied once it was used, and
// serves one goroutine at a time. THE COLLECTOR FREES NO BUFFER OF Append that is lost with its Vec;
// it does free those of AppendBuffer.
type Vec struct {
	_     noCopy
	items []item // the first is not empty
	bytes int64  // in all

	// For WriteTo: what it writes next, and the room for that.
	next net.Buffers
	room [][]byte
}

// An item is a buffer, or what is left of it.
type item struct {
	rest []byte      // what is not written yet
	own  []byte      // for cmem.Free; nil: the caller's memory
	mem  cmem.Buffer // for its Free
}

func (it *item) free() {
	cmem.Free(it.own)
	it.mem.Free()
	*it = item{}
}

// Append appends b, a buffer of package cmem, and takes it over: it must not be used, freed or
// appended once more. All of b is written, which must start where the buffer does. A b of capacity 0
// is passed over. Append panics with a *cmem.MisuseError where cmem.Owns(b) is false.
func (v *Vec) Append(b []byte) {
	if cap(b) == 0 {
		return
	}
	if !cmem.Owns(b) {
		misuse("Vec.Append", "%p is not the start of a live buffer that may be freed: AppendBorrowed is for other memory", b)
	}
	if len(b) == 0 {
		cmem.Free(b)
		return
	}
	v.append(item{rest: b, own: b})
}

// AppendBorrowed appends b, any memory, which stays the caller's: it must not change or be freed
// until it is written.
func (v *Vec) AppendBorrowed(b []byte) {
	if len(b) > 0 {
		v.append(item{rest: b})
	}
}

// AppendBuffer appends the unread bytes of b with b's block, and leaves b empty, ready for use.
// Nothing is copied.
func (v *Vec) AppendBuffer(b *Buffer) {
	if b.freed {
		misuse("Vec.AppendBuffer", "the buffer was freed")
	}
	rest, mem := b.unread(""), b.mem
	*b = Buffer{}
	if len(rest) == 0 {
		mem.Free()
		return
	}
	v.append(item{rest: rest, mem: mem})
}

func (v *Vec) append(it item) {
	v.items = append(v.items, it)
	v.bytes += int64(len(it.rest))
}

// Len is how many bytes are to be written.
func (v *Vec) Len() int64 { return v.bytes }

// Free frees what is left. v is an empty list then, and may be used again.
func (v *Vec) Free() {
	for i := range v.items {
		v.items[i].free()
	}
	*v = Vec{items: v.items[:0], room: v.room}
}

// What one writev writes: the system takes so many buffers at most, and of so many bytes several
// pieces, as the other side has room. So a longer list is written in parts, and each is freed when
// it is written.
const (
	mostBuffers = 1024
	enoughBytes = 1 << 20
)

// WriteTo writes all of v to w, frees what is written, and returns how many bytes that was. Where w
// is one of package net's connections, each 1024 buffers, or as many as make up 1 MiB, are one call
// of writev; to others each buffer is a Write. Where there is an error, what was not written stays
// in v. The error is w's, or io.ErrShortWrite, or says that w returns a count that cannot be.
func (v *Vec) WriteTo(w io.Writer) (n int64, err error) {
	for len(v.items) > 0 {
		bytes := 0
		v.room = v.room[:0]
		for i := 0; i < len(v.items) && i < mostBuffers && bytes < enoughBytes; i++ {
			v.room = append(v.room, v.items[i].rest)
			bytes += len(v.items[i].rest)
		}
		v.next = v.room
		m, err := writeBuffers(w, &v.next)
		v.consume(m)
		n += m
		if err == nil && m < int64(bytes) {
			err = io.ErrShortWrite
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// writeBuffers writes bufs to w.
func writeBuffers(w io.Writer, bufs *net.Buffers) (n int64, err error) {
	switch w.(type) {
	case *net.TCPConn, *net.UnixConn, *net.UDPConn, *net.IPConn: // have writev, and count right
		return bufs.WriteTo(w)
	}
	for _, b := range *bufs {
		m, err := w.Write(b)
		if err := checkWrite(w, m, len(b)); err != nil {
			return n, err
		}
		n += int64(m)
		if err == nil && m < len(b) {
			err = io.ErrShortWrite
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// Read reads up to len(p) bytes, and frees the buffers that are read; io.EOF where none is left and
// p is not empty.
func (v *Vec) Read(p []byte) (n int, err error) {
	if len(v.items) == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	for i := 0; i < len(v.items) && n < len(p); i++ {
		n += copy(p[n:], v.items[i].rest)
	}
	v.consume(int64(n))
	return n, nil
}

// consume takes the first n bytes out of v, and frees the buffers that have no others.
func (v *Vec) consume(n int64) {
	v.bytes -= n
	gone := 0
	for gone < len(v.items) && n >= int64(len(v.items[gone].rest)) {
		n -= int64(len(v.items[gone].rest))
		v.items[gone].free()
		gone++
	}
	if n > 0 {
		v.items[gone].rest = v.items[gone].rest[n:]
	}
	v.items = v.items[:copy(v.items, v.items[gone:])]
}

// String says how much there is, for a log.
func (v *Vec) String() string { return fmt.Sprintf("%d bytes in %d buffers", v.bytes, len(v.items)) }
