package pool

import (
	"bytes"
	"io"
	"sync"
)

type state struct {
	n    int
	data []byte
	next *state
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}
var slices = sync.Pool{New: func() any { b := make([]byte, 100); return &b }}
var states sync.Pool

func used() string {
	b := buffers.Get().(*bytes.Buffer)
	b.WriteString("x")
	buffers.Put(b)
	return b.String() // want `b is used after the Put at line 22`
}

func bytesKept() []byte {
	b := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(b)
	return b.Bytes() // want `b.Bytes\(\) is returned, and the deferred Put at line 28 gives it back`
}

func bytesUsed(w io.Writer) {
	b := buffers.Get().(*bytes.Buffer)
	data := b.Bytes()
	b.Reset()
	buffers.Put(b)
	w.Write(data) // want `data is used after the Put`
}

func twice(ok bool) {
	b := buffers.Get().(*bytes.Buffer)
	if !ok {
		buffers.Put(b)
	}
	buffers.Put(b) // want `b is put twice`
}

func twiceDeferred(ok bool) {
	b := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(b)
	if !ok {
		buffers.Put(b) // want `b is put twice: the defer at line 50 does it too`
	}
}

func field() int {
	s := states.Get().(*state)
	states.Put(s)
	return s.n // want `s is used after the Put`
}

func assigned() {
	s := states.Get().(*state)
	states.Put(s)
	s.n = 0 // want `s is used after the Put`
}

func returned() *state {
	s := &state{}
	states.Put(s)
	return s // want `s is returned after the Put`
}

func pointer(w io.Writer) {
	p := slices.Get().(*[]byte)
	b := *p
	slices.Put(p)
	w.Write(b) // want `b is used after the Put`
}

func pointerGrown(r io.Reader) []byte {
	p := slices.Get().(*[]byte)
	b := append((*p)[:0], 1, 2, 3)
	*p = b
	slices.Put(p)
	return b // want `b is returned after the Put`
}

func address(b []byte) byte {
	slices.Put(&b)
	return b[0] // want `b is used after the Put`
}

func put(s *state) {
	s.n = 0
	states.Put(s)
}

func putSmall(b *bytes.Buffer) {
	if b.Cap() > 1<<16 {
		return
	}
	b.Reset()
	buffers.Put(b)
}

func wrapped(s *state) int {
	put(s)
	return s.n // want `s is used after the Put`
}

func wrappedSmall(b *bytes.Buffer) string {
	putSmall(b)
	return b.String() // want `b is used after the Put`
}

func fieldOf() []byte {
	s := states.Get().(*state)
	data := s.data
	states.Put(s)
	return data // want `data is returned after the Put`
}
