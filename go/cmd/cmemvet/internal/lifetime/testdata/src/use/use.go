package use

import (
	"bytes"
	"io"

	"github.com/gocmem/cmem/cmem"
	"github.com/gocmem/cmem/cmem/raw"
)

var kept []byte

type conn struct {
	buf []byte
	out io.Writer
}

func index(b []byte) byte {
	cmem.Free(b)
	return b[0] // want `b is used after the Free at line 19`
}

func passes(w io.Writer) {
	b := cmem.Alloc(10)
	cmem.Free(b)
	w.Write(b[:5]) // want `b\[:5\] is used after the Free`
}

func alias() {
	b := cmem.Alloc(10)
	head := b[:4]
	cmem.Free(b)
	copy(head, "x") // want `head is used after the Free`
}

func aliasOf(b []byte) {
	head := b[:4]
	cmem.Free(b)
	copy(head, "x") // want `head is used after the Free`
}

func returned(b []byte) []byte {
	cmem.Free(b)
	return b[:2] // want `b\[:2\] is returned after the Free`
}

func deferred() []byte {
	b := cmem.Alloc(10)
	defer cmem.Free(b)
	return b[:5] // want `b\[:5\] is returned, and the deferred Free at line 49 gives it back`
}

func sent(c chan []byte) {
	b := cmem.Alloc(10)
	cmem.Free(b)
	c <- b // want `b is sent after the Free`
}

func stored(c *conn) {
	b := cmem.Alloc(10)
	cmem.Free(b)
	c.buf = b // want `b is stored after the Free`
}

func field(c *conn) {
	cmem.Free(c.buf)
	c.out.Write(c.buf) // want `c.buf is used after the Free`
}

func onOnePath(b []byte, ok bool) string {
	if !ok {
		cmem.Free(b)
	}
	return string(b) // want `b is used after the Free`
}

func nextTime(w io.Writer, n int) {
	b := cmem.Alloc(10) // want `b is not freed`
	for i := 0; i < n; i++ {
		w.Write(b) // want `b is used after the Free`
		cmem.Free(b)
	}
}

func ranged(b []byte) (sum int) {
	cmem.Free(b)
	for _, x := range b { // want `b is used after the Free`
		sum += int(x)
	}
	return sum
}

func realloced(b []byte) []byte {
	c := cmem.Realloc(b, 100)
	c[0] = b[0] // want `b is used after the Realloc`
	return c
}

func old(b []byte) []byte {
	head := b[:4]
	b = cmem.Realloc(b, 100)
	copy(b, head) // want `head is used after the Realloc`
	return b
}

func elements(s []int) int {
	cmem.FreeSlice(s)
	return s[0] // want `s is used after the FreeSlice`
}

func rawBytes() byte {
	p := raw.Alloc(1)
	raw.Free(p)
	return *p // want `p is used after the Free`
}

func usable() int {
	b := cmem.Alloc(10)
	cmem.Free(b)
	return cmem.Usable(b) // want `b is used after the Free`
}

func goroutine(b []byte, f func([]byte)) {
	cmem.Free(b)
	go f(b) // want `b is used after the Free`
}

func appended(b []byte) []byte {
	cmem.Free(b)
	return append(b, 1) // want `b is used after the Free`
}

func global() byte {
	cmem.Free(kept)
	return kept[0] // want `kept is used after the Free`
}

func lateDefer(w io.Writer) {
	b := cmem.Alloc(10)
	defer w.Write(b) // want `b is used after the Free`
	cmem.Free(b)
}

func inLiteral(w io.Writer) {
	b := cmem.Alloc(10)
	defer func() {
		w.Write(b) // want `b is used after the Free`
	}()
	cmem.Free(b)
}

type packet struct{ data []byte }

func inStruct(ch chan *packet) {
	b := cmem.Alloc(10)
	p := &packet{data: b}
	cmem.Free(b)
	ch <- p // want `p is sent after the Free`
}

func returnedInStruct() packet {
	b := cmem.Alloc(10)
	defer cmem.Free(b)
	return packet{data: b} // want `is returned, and the deferred Free`
}

func (p *packet) release() { cmem.Free(p.data) }

func fieldOf(p *packet) byte {
	p.release()
	return p.data[0] // want `p.data is used after the release`
}

func fieldOfNew() byte {
	p := &packet{data: cmem.Alloc(10)}
	p.release()
	return p.data[0] // want `p.data is used after the release`
}

func wrapped(w io.Writer) {
	b := cmem.Alloc(10)
	r := bytes.NewReader(b)
	cmem.Free(b)
	io.Copy(w, r) // want `r is used after the Free`
}

func capturedAfter(b []byte) {
	cmem.Free(b)
	go func() {
		kept[0] = b[0] // want `b is used after the Free`
	}()
}
