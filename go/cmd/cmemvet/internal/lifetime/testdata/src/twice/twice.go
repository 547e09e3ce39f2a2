package twice

import (
	"io"

	"github.com/gocmem/cmem/cmem"
)

type conn struct{ buf []byte }

func plain() {
	b := cmem.Alloc(10)
	cmem.Free(b)
	cmem.Free(b) // want `b is freed twice: the first Free is at line 13`
}

func deferred(w io.Writer) error {
	b := cmem.Alloc(10)
	defer cmem.Free(b)
	if _, err := w.Write(b); err != nil {
		cmem.Free(b) // want `b is freed twice: the defer at line 19 does it too`
		return err
	}
	return nil
}

func deferredLiteral(w io.Writer) error {
	b := cmem.Alloc(10)
	defer func() { cmem.Free(b) }() // want `b is freed twice: the first Free is at line 31`
	if _, err := w.Write(b); err != nil {
		cmem.Free(b)
		return err
	}
	return nil
}

func onError(w io.Writer) error {
	b := cmem.Alloc(10)
	_, err := w.Write(b)
	if err != nil {
		cmem.Free(b)
	}
	cmem.Free(b) // want `b is freed twice`
	return err
}

func alias(b []byte) {
	c := b
	cmem.Free(b)
	cmem.Free(c[:0]) // want `c\[:0\] is freed twice`
}

func realloced(b []byte) []byte {
	c := cmem.Realloc(b, 100)
	cmem.Free(b) // want `b is freed twice: the first Realloc is at line 54`
	return c
}

func inLoop(bs int) {
	b := cmem.Alloc(10) // want `b is not freed`
	for range bs {
		cmem.Free(b) // want `b is freed twice`
	}
}

func (c *conn) close() {
	cmem.Free(c.buf)
	cmem.Free(c.buf) // want `c.buf is freed twice`
}

func twoDefers() {
	b := cmem.Alloc(10)
	defer cmem.Free(b)
	defer cmem.Free(b) // want `b is freed twice: the defer at line 73 does it too`
}

func (c *conn) release() { cmem.Free(c.buf) }

func releases(c *conn) {
	c.release()
	c.release() // want `c is freed twice: the first release is at line 80`
}
