// Package migrate is a small piece of a service before and after its buffers moved from make to
// cmem: frames of a length and a body are read from a connection, queued, changed, and written to
// another. Each step of docs/replacing-make.md is a function here, and the tests are what such a
// service should have: the same for both sides, and checks that nothing leaks.
//
// The functions of before.go are as one writes them with make. Those of after.go do the same with
// the four questions of a migration answered: who frees, what happens on the way to an error, what
// grows, and what outlives its owner.
package migrate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// MaxFrame is the largest body, in bytes. What a stranger sends as a length is not to be allocated
// unseen, whoever allocates.
const MaxFrame = 16 << 20

// ErrTooLarge is wrapped by the errors of reading a frame beyond MaxFrame.
var ErrTooLarge = errors.New("frame too large")

// readLength reads the four bytes, big endian, before each body.
func readLength(r io.Reader) (int, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > MaxFrame {
		return 0, fmt.Errorf("%w: %d bytes, expected %d at most", ErrTooLarge, n, MaxFrame)
	}
	return int(n), nil
}

// writeFrame writes length and body.
func writeFrame(w io.Writer, body []byte) error {
	var head [4]byte
	binary.BigEndian.PutUint32(head[:], uint32(len(body)))
	if _, err := w.Write(head[:]); err != nil {
		return err
	}
	_, err := w.Write(body)
	return err
}
