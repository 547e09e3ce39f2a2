package migrate

import (
	"io"
	"slices"
)

// ReadFrameMake reads a frame. The body is anybody's.
func ReadFrameMake(r io.Reader) ([]byte, error) {
	n, err := readLength(r)
	if err != nil {
		return nil, err
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, err
	}
	return body, nil
}

// EscapeMake doubles each zero byte. The result may be another slice than body.
func EscapeMake(body []byte) []byte {
	for i := 0; i < len(body); i++ {
		if body[i] == 0 {
			body = slices.Insert(body, i, 0)
			i++
		}
	}
	return body
}

// RelayMake copies frames from r to w until r ends, reading on while it writes.
func RelayMake(w io.Writer, r io.Reader) error {
	queue := make(chan []byte, 8)
	result := make(chan error, 1)
	go func() {
		defer close(queue)
		for {
			body, err := ReadFrameMake(r)
			if err != nil {
				result <- endOK(err)
				return
			}
			queue <- body
		}
	}()
	var failed error
	for body := range queue {
		if failed == nil {
			failed = writeFrame(w, EscapeMake(body))
		}
	}
	if err := <-result; failed == nil {
		failed = err
	}
	return failed
}

// endOK makes an end between two frames no error.
func endOK(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// A CacheMake keeps the last body of each name. Whoever got one may go on reading it when it has been replaced.
type CacheMake struct{ bodies map[string][]byte }

// Put replaces the body of name by a copy of body.
func (c *CacheMake) Put(name string, body []byte) {
	if c.bodies == nil {
		c.bodies = map[string][]byte{}
	}
	c.bodies[name] = slices.Clone(body)
}

// Get returns the body of name, nil where there is none.
func (c *CacheMake) Get(name string) []byte { return c.bodies[name] }
