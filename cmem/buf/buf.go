// Package buf has what package bytes and package io have for Go memory, over buffers of package
// cmem: Buffer for bytes.Buffer, ReadAll for io.ReadAll, Copy for io.Copy, and Vec, a list of
// buffers that one writev writes.
//
//	var b buf.Buffer // instead of bytes.Buffer
//	defer b.Free()   // new: its memory is at hand again at once
//	fmt.Fprintf(&b, "%d bytes", n)
//	b.WriteTo(conn)
//
// A Buffer that nobody frees is freed by the collector, as the handles of cmem.New are, which it
// consists of. THE BUFFER KEEPS ITS BYTES ALIVE, a slice of Bytes does not: hold the Buffer, by
// runtime.KeepAlive if need be, for as long as such a slice is used.
//
// # Errors
//
// Where no memory is to be had (cmem.SetLimit), what reads from others (Buffer.ReadFrom, ReadAll,
// Copy) and TryGrow return an error that wraps cmem.ErrNoMemory. Write and its like panic with it,
// as bytes.Buffer does: their errors are seldom looked at, and bytes that are missing in the middle
// would go unnoticed. TryGrow before a Write avoids the panic.
//
// Misuse (a Buffer after its Free, a count out of range) panics with a *cmem.MisuseError that names
// the method.
package buf

import (
	"errors"
	"fmt"
	"io"

	"github.com/gocmem/cmem/cmem"
)

// misuse panics with a *cmem.MisuseError of a method.
func misuse(method, format string, args ...any) {
	panic(&cmem.MisuseError{Func: "buf." + method, What: fmt.Sprintf(format, args...)})
}

// noMemory is deferred by what returns an error where no memory is to be had: the panic becomes
// *err. Other panics go on.
func noMemory(err *error) {
	switch value := recover().(type) {
	case nil:
	case error:
		if !errors.Is(value, cmem.ErrNoMemory) {
			panic(value)
		}
		*err = value
	default:
		panic(value)
	}
}

// maxEmpty is how many reads in a row may return neither bytes nor an error.
const maxEmpty = 100

// checkRead returns an error if n is not what r's Read can have returned for so many bytes.
func checkRead(r io.Reader, n, bytes int) error {
	if n < 0 || n > bytes {
		return fmt.Errorf("buf: a %T's Read has returned %d for a slice of %d bytes", r, n, bytes)
	}
	return nil
}

// checkWrite is checkRead for w's Write.
func checkWrite(w io.Writer, n, bytes int) error {
	if n < 0 || n > bytes {
		return fmt.Errorf("buf: a %T's Write has returned %d for %d bytes", w, n, bytes)
	}
	return nil
}
