package place

import (
	"io"
	"strconv"

	"github.com/gocmem/cmem/cmem"
	"github.com/gocmem/cmem/cmem/raw"
)

func sliced() {
	b := cmem.Alloc(10)
	b = b[2:]
	cmem.Free(b) // want `b is freed, and may not start where its buffer does \(resliced at line 13\)`
}

func direct(b []byte) {
	cmem.Free(b[4:]) // want `b\[4:\] is freed, and may not start where its buffer does`
}

func writes(w io.Writer) error {
	b := cmem.Alloc(10) // want `b is not freed`
	for len(b) > 0 {
		n, err := w.Write(b)
		if err != nil {
			cmem.Free(b) // want `b is freed, and may not start where its buffer does`
			return err
		}
		b = b[n:]
	}
	return nil
}

func appended(s string) {
	b := cmem.Alloc(10)[:0]
	b = append(b, s...)
	cmem.Free(b) // want `b is freed after append at line 36 may have moved it`
}

func appendInt(n int) {
	b := cmem.Alloc(10)
	b = strconv.AppendInt(b[:0], int64(n), 10)
	cmem.Free(b) // want `b is freed after append at line 42 may have moved it`
}

func deferredLiteral(s string) {
	b := cmem.Alloc(10)
	defer func() {
		cmem.Free(b) // want `b is freed after append at line 51 may have moved it`
	}()
	b = append(b, s...)
}

func bound(n int) []byte {
	b := cmem.Alloc(n)
	defer cmem.Free(b)
	b = cmem.Realloc(b, 2*n) // want `b is taken over by Realloc, and the deferred Free at line 56 is bound to it`
	return nil
}

func realloced(b []byte) []byte {
	b = b[1:]
	return cmem.Realloc(b, 10) // want `b is reallocated, and may not start where its buffer does`
}

func attached(x *int, b []byte) {
	cmem.Attach(x, b[1:]) // want `b\[1:\] is attached, and may not start where its buffer does`
}

func pointer() {
	b := cmem.Alloc(10)
	raw.Free(&b[1]) // want `&b\[1\] is freed, and may not start`
}

func deferSliced() {
	b := cmem.Alloc(10)
	b = b[3:]
	defer cmem.Free(b) // want `b is freed, and may not start`
}
