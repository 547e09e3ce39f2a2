// Package web is net/http with buffers of cmem: a body of unknown length is read, one is sent, and
// a wrong Free is no line in a log that nobody reads.
package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/gocmem/cmem/cmem"
)

// ErrTooLong says that a body is longer than its reader allows.
var ErrTooLong = errors.New("body too long")

// ReadBody reads all of r, at most limit bytes, into a buffer, which is the caller's to free. hint
// is how long it says it is, such as the request's ContentLength: -1 where nobody knows, and
// nothing to be relied on.
func ReadBody(r io.Reader, hint int64, limit int) ([]byte, error) {
	// One byte more than is hoped for shows the end, or that there is more than is allowed.
	b, err := cmem.TryAlloc(int(min(max(hint, 4096), int64(limit))) + 1)
	if err != nil {
		return nil, err
	}
	for n := 0; ; {
		m, err := r.Read(b[n:])
		n += m
		switch {
		case n > limit:
			err = fmt.Errorf("%w: more than %d bytes", ErrTooLong, limit)
		case err == io.EOF:
			return b[:n], nil
		}
		if err != nil {
			cmem.Free(b)
			return nil, err
		}
		if n == len(b) {
			b = cmem.Realloc(b, min(2*n, limit+1)) // takes the old buffer over
		}
	}
}

// A Body is a request's body in a buffer of cmem. Its Close frees the buffer: the transport closes
// every body, and may read it until then, which may be after Do has returned.
type Body struct {
	mu  sync.Mutex // Close may come in the middle of a Read
	buf []byte     // nil: closed
	off int
}

// NewBody takes the buffer over.
func NewBody(buf []byte) *Body { return &Body{buf: buf} }

func (b *Body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.buf == nil:
		return 0, http.ErrBodyReadAfterClose
	case b.off == len(b.buf):
		return 0, io.EOF
	}
	n := copy(p, b.buf[b.off:])
	b.off += n
	return n, nil
}

// Close frees the buffer, the first time.
func (b *Body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	cmem.Free(b.buf) // which passes nil over
	b.buf = nil
	return nil
}

// Post sends the buffer, which is freed in any case.
func Post(client *http.Client, url, contentType string, buf []byte) (*http.Response, error) {
	length := int64(len(buf))
	req, err := http.NewRequest(http.MethodPost, url, NewBody(buf))
	if err != nil {
		cmem.Free(buf)
		return nil, err
	}
	req.Header.Set("Content-Type", contentType)
	if req.ContentLength = length; length == 0 {
		req.Body.Close()
		req.Body = http.NoBody // 0 with another body means that nobody knows
	}
	return client.Do(req) // closes the body, also where it fails
}

// Misuse is the handler h, but that report is called where it panics with a *cmem.MisuseError:
// net/http would log that like any other panic, close the connection, and go on with a program that
// has a bug in its memory.
func Misuse(h http.Handler, report func(*cmem.MisuseError)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			var misuse *cmem.MisuseError
			if err, ok := v.(error); ok && errors.As(err, &misuse) {
				report(misuse)
			}
			panic(v)
		}()
		h.ServeHTTP(w, r)
	})
}
