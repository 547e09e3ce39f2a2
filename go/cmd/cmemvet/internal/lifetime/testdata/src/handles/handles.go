package handles

import (
	"io"
	"runtime"

	"github.com/gocmem/cmem/cmem"
	"github.com/gocmem/cmem/cmem/buf"
)

type conn struct{ buf []byte }

func after() byte {
	h := cmem.New(10)
	b := h.Bytes()
	h.Free()
	return b[0] // want `b is used after the Free at line 16`
}

func bytesAfter() []byte {
	h := cmem.New(10)
	h.Free()
	return h.Bytes() // want `h is used after the Free`
}

func returned() []byte {
	h := cmem.New(10)
	return h.Bytes() // want `bytes of h are kept, and h does not live longer than the function`
}

func deferred(h cmem.Buffer) []byte {
	defer h.Free()
	return h.Bytes() // want `h.Bytes\(\) is returned, and the deferred Free at line 32 gives it back`
}

func stored(c *conn) {
	h := cmem.New(10)
	c.buf = h.Bytes() // want `bytes of h are kept`
	h.Free()
}

func lost(r io.Reader) []byte {
	b := cmem.New(10).Bytes() // want `the handle is lost here`
	return b
}

func last(r io.Reader) int {
	h := cmem.New(10)
	b := h.Bytes()
	n, _ := r.Read(b) // want `b is used where nothing holds its handle`
	return n
}

func keptAlive(r io.Reader) int {
	h := cmem.New(10)
	b := h.Bytes()
	n, _ := r.Read(b)
	runtime.KeepAlive(h)
	return n
}

func reset() byte {
	a := cmem.NewArena()
	defer a.Free()
	b := a.Alloc(10)
	a.Reset()
	return b[0] // want `b is used after the Reset of its arena at line 66`
}

func arenaFreed() []byte {
	a := cmem.NewArena()
	b := a.Alloc(10)
	a.Free()
	return b // want `b is returned after the Free`
}

func arenaDeferred() []byte {
	a := cmem.NewArena()
	defer a.Free()
	return a.Alloc(10) // want `is returned, and the deferred Free`
}

func arenaUsed() []byte {
	a := cmem.NewArena()
	a.Free()
	return a.Alloc(10) // want `a is used after the Free`
}

func freed(h cmem.Buffer) {
	cmem.Free(h.Bytes()) // want `h.Bytes\(\) is freed, though it belongs to a handle`
}

func arenaBytesFreed(a cmem.Arena) {
	b := a.Alloc(10)
	cmem.Free(b) // want `b is freed, though it belongs to an arena`
}

func growing(w io.Writer) {
	var b buf.Buffer
	b.Write([]byte("x"))
	out := b.Bytes()
	b.Free()
	w.Write(out) // want `out is used after the Free`
}

func fine(r io.Reader) (cmem.Buffer, error) {
	h := cmem.New(10)
	b := h.Bytes()
	if _, err := io.ReadFull(r, b); err != nil {
		return cmem.Buffer{}, err
	}
	return h, nil
}

func finePassed(r io.Reader, use func(cmem.Buffer)) {
	h := cmem.New(10)
	b := h.Bytes()
	r.Read(b)
	use(h)
}

func fineFree(r io.Reader) {
	h := cmem.New(10)
	defer h.Free()
	b := h.Bytes()
	r.Read(b)
	h.Free()
	h.Free()
}

func fineLoop(r io.Reader) {
	a := cmem.NewArena()
	defer a.Free()
	for range 10 {
		b := a.Alloc(10)
		r.Read(b)
		a.Reset()
	}
}

func sent(c chan []byte) {
	h := cmem.New(10)
	c <- h.Bytes() // want `bytes of h are kept`
	h.Free()
}

func returnedInStruct() conn {
	h := cmem.New(10)
	return conn{buf: h.Bytes()} // want `bytes of h are kept`
}

type message struct {
	h   cmem.Buffer
	buf []byte
}

func fineTogether() message {
	h := cmem.New(10)
	return message{h, h.Bytes()}
}
