//go:build !cgo

package buffers

import "errors"

// newRaw has nothing to offer: C.malloc needs cgo.
func newRaw() (allocator, error) {
	return nil, errors.New("it calls C.malloc, but this program was built without cgo (CGO_ENABLED=0)")
}
