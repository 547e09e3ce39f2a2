package migrate

import (
	"bytes"
	"io"

	"github.com/gocmem/cmem/cmem"
)

// ReadFrame reads a frame. The body is the caller's, who frees it: cmem.Free.
func ReadFrame(r io.Reader) ([]byte, error) {
	n, err := readLength(r)
	if err != nil {
		return nil, err
	}
	body, err := cmem.TryAlloc(n) // n comes from a stranger: an error, no panic
	if err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(r, body); err != nil {
		cmem.Free(body) // nobody else will
		return nil, err
	}
	return body, nil
}

// Escape doubles each zero byte. It takes body over: what it returns is to be freed, body is not to be used any more.
func Escape(body []byte) []byte {
	n, zeros := len(body), bytes.Count(body, []byte{0})
	if zeros == 0 {
		return body
	}
	body = cmem.Realloc(body, n+zeros) // was: append, which moves the bytes to Go memory and leaves the buffer behind
	for from, to := n-1, len(body)-1; from >= 0; from-- {
		body[to] = body[from]
		to--
		if body[from] == 0 {
			body[to] = 0
			to--
		}
	}
	return body
}

// Relay copies frames from r to w until r ends, reading on while it writes.
func Relay(w io.Writer, r io.Reader) error {
	queue := make(chan []byte, 8)
	result := make(chan error, 1)
	go func() {
		defer close(queue)
		for {
			body, err := ReadFrame(r)
			if err != nil {
				result <- endOK(err)
				return
			}
			queue <- body // from here on it is the receiver's
		}
	}()
	var failed error
	for body := range queue { // all of them, also after an error: what lies in the queue must be freed
		if failed == nil {
			body = Escape(body)
			failed = writeFrame(w, body)
		}
		cmem.Free(body)
	}
	if err := <-result; failed == nil {
		failed = err
	}
	return failed
}

// A Cache keeps the last body of each name, in handles: who got one may go on reading it when it has been replaced, and
// nobody knows who is the last.
type Cache struct{ bodies map[string]cmem.Buffer }

// Put replaces the body of name by a copy of body.
func (c *Cache) Put(name string, body []byte) {
	if c.bodies == nil {
		c.bodies = map[string]cmem.Buffer{}
	}
	b := cmem.New(len(body))
	copy(b.Bytes(), body)
	c.bodies[name] = b // the one before is freed when its last handle is lost
}

// Get returns the body of name, the zero Buffer where there is none. Hold the handle as long as its bytes are used.
func (c *Cache) Get(name string) cmem.Buffer { return c.bodies[name] }
