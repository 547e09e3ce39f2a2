package facts

import (
	"io"
	"lib"

	"github.com/gocmem/cmem/cmem"
)

func leaks(r io.Reader) (int, error) {
	b, err := lib.Load(r, 10) // want `b is not freed on a path that ends at line 15`
	if err != nil {
		return 0, err
	}
	return lib.Sum(b), nil
}

func twice(b []byte) {
	lib.Release(b)
	cmem.Free(b) // want `b is freed twice: the first Release is at line 19`
}

func used(b []byte) byte {
	lib.Release(b)
	return b[0] // want `b is used after the Release`
}

func head(b []byte) byte {
	h := lib.Head(b)
	lib.Release(b)
	return h[0] // want `h is used after the Release`
}

func deferred() []byte {
	b := cmem.Alloc(10)
	defer lib.Release(b)
	return b // want `b is returned, and the deferred Release`
}

func pooled(m *lib.Message) []byte {
	lib.Put(m)
	return m.Body // want `m is used after the Put`
}

func handle() []byte {
	h := lib.New(10)
	return h.Bytes() // want `bytes of h are kept`
}

func maybe(ok bool) {
	b := cmem.Alloc(10)
	lib.MaybeRelease(b, ok)
}

func kept(m *lib.Message) {
	b := cmem.Alloc(10)
	m.Keep(b)
}

func fine(r io.Reader) error {
	b, err := lib.Load(r, 10)
	if err != nil {
		return err
	}
	defer lib.Release(b)
	lib.Sum(b)
	return nil
}
