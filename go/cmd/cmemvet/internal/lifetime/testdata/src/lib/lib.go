package lib

import (
	"io"
	"sync"

	"github.com/gocmem/cmem/cmem"
)

var pool sync.Pool

type Message struct{ Body []byte }

func Load(r io.Reader, n int) ([]byte, error) { // want Load:`borrows|result 0 is the caller's`
	b, err := cmem.TryAlloc(n)
	if err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(r, b); err != nil {
		cmem.Free(b)
		return nil, err
	}
	return b, nil
}

func Release(b []byte) { // want Release:`frees 0`
	if b == nil {
		return
	}
	cmem.Free(b)
}

func MaybeRelease(b []byte, ok bool) { // want MaybeRelease:`frees 0 sometimes`
	if ok {
		cmem.Free(b)
	}
}

func Sum(b []byte) (n int) { // want Sum:`borrows 0`
	for _, x := range b {
		n += int(x)
	}
	return n
}

func Head(b []byte) []byte { return b[:4] } // want Head:`borrows 0, result 0 is of parameter 0`

func (m *Message) Keep(b []byte) { m.Body = b }

func Put(m *Message) { // want Put:`frees 0`
	m.Body = nil
	pool.Put(m)
}

func New(n int) cmem.Buffer { return cmem.New(n) } // want New:`result 0 is the caller's`
