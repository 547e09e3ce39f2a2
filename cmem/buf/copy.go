package buf

import (
	"io"

	"github.com/gocmem/cmem/cmem"
)

// ReadAll reads from r until io.EOF, into a new Buffer, which is the caller's to free, also where
// there is an error: it holds what was read before it. The errors are those of Buffer.ReadFrom.
// Where the length is known, a Buffer of one's own that is grown to it first is cheaper.
func ReadAll(r io.Reader) (*Buffer, error) {
	b := new(Buffer)
	_, err := b.ReadFrom(r)
	return b, err
}

// copySize is the most that Copy reads at once.
const copySize = 64 << 10

// Copy copies from src to dst until io.EOF, and returns how many bytes that was and the error that
// ended it, nil for io.EOF: as io.Copy, but with a buffer of cmem's, of 64 KiB. Where no memory is
// to be had the error wraps cmem.ErrNoMemory, and nothing was copied.
//
// As in io.Copy a WriteTo of src or a ReadFrom of dst does the copying instead, if there is one: for
// a net.Conn and a file without a buffer, for others with whichever they like.
func Copy(dst io.Writer, src io.Reader) (n int64, err error) {
	size := copySize
	if l, ok := src.(*io.LimitedReader); ok {
		size = int(max(1, min(l.N, copySize)))
	}
	b, err := cmem.TryAlloc(size)
	if err != nil {
		return 0, err
	}
	defer cmem.Free(b)
	return io.CopyBuffer(dst, src, b)
}
