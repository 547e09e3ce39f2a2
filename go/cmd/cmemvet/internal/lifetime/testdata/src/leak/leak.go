package leak

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"

	"github.com/gocmem/cmem/cmem"
	"github.com/gocmem/cmem/cmem/raw"
)

func never(r io.Reader) error {
	b := cmem.Alloc(10) // want `b is not freed on a path that ends at line 17`
	_, err := io.ReadFull(r, b)
	return err
}

func onError(r io.Reader, w io.Writer) error {
	b := cmem.Alloc(10) // want `b is not freed on a path that ends at line 23`
	if _, err := io.ReadFull(r, b); err != nil {
		return err
	}
	_, err := w.Write(b)
	cmem.Free(b)
	return err
}

func falls(n int) {
	b := cmem.AllocZeroed(n) // want `b is not freed on a path that ends at line 36`
	if n > 5 {
		b[0] = 1
		cmem.Free(b)
	}
}

func try(n int) error {
	b, err := cmem.TryAlloc(n) // want `b is not freed on a path that ends at line 44`
	if err != nil {
		return err
	}
	if b[0] == 0 {
		return errors.New("zero")
	}
	cmem.Free(b)
	return nil
}

func dropped() {
	cmem.Alloc(10)     // want `the result is dropped`
	_ = cmem.Alloc(10) // want `the result is dropped`
}

func overwritten(sizes []int) {
	var b []byte
	for _, n := range sizes {
		b = cmem.Alloc(n) // want `b is not freed before the last slice of it is lost`
		b[0] = 1
	}
	cmem.Free(b)
}

func setNil() {
	b := cmem.Alloc(10) // want `b is not freed before the last slice of it is lost at line 67`
	b[0] = 1
	b = nil
	cmem.Free(b)
}

func inLoop(rs []io.Reader) error {
	for _, r := range rs {
		b := cmem.Alloc(10) // want `b is not freed`
		n, err := r.Read(b)
		if err != nil {
			continue
		}
		os.Stdout.Write(b[:n])
		cmem.Free(b)
	}
	return nil
}

func breaks(rs []io.Reader) {
	for _, r := range rs {
		b := cmem.Alloc(10) // want `b is not freed on a path that ends at line 92`
		if _, err := r.Read(b); err != nil {
			break
		}
		cmem.Free(b)
	}
}

func switched(kind int) int {
	b := cmem.Alloc(10) // want `b is not freed on a path that ends at line 101`
	switch kind {
	case 1:
		cmem.Free(b)
		return 1
	case 2:
		return 2
	default:
		cmem.Free(b)
	}
	return 0
}

func realloced(r io.Reader) error {
	b := cmem.Alloc(10)
	b = cmem.Realloc(b, 20) // want `b is not freed on a path that ends at line 113`
	_, err := r.Read(b)
	if err != nil {
		return err
	}
	cmem.Free(b)
	return nil
}

func elements(n int) int {
	s := cmem.AllocSlice[int](n) // want `s is not freed`
	sum := 0
	for _, v := range s {
		sum += v
	}
	return sum
}

func rawBytes() byte {
	p := raw.Alloc(10) // want `p is not freed`
	return *p
}

func early(n int) {
	var b []byte
	defer cmem.Free(b)
	b = cmem.Alloc(n) // want `b is not freed .* \(the defer at line 135 came before it\)`
	b[0] = 1
}

type queue struct{ items [][]byte }

func (q *queue) push(b []byte) error { q.items = append(q.items, b); return nil }
func (q *queue) check(b []byte) bool { return len(b) > 3 && b[0] == 1 }

type sink interface{ Put(b []byte) error }

// The function frees b after the call, so the call does not keep it.
func vouched(s sink, r io.Reader) error {
	b := cmem.Alloc(10) // want `b is not freed on a path that ends at line 152`
	s.Put(b)
	if _, err := r.Read(b); err != nil {
		return err
	}
	cmem.Free(b)
	return nil
}

func named(r io.Reader) (b []byte, err error) {
	b = cmem.Alloc(10) // want `b is not freed before the last slice of it is lost`
	defer func() {
		if err != nil {
			cmem.Free(b)
		}
	}()
	if _, err := r.Read(b); err != nil {
		return nil, err
	}
	return b, nil
}

func checks(q *queue) bool {
	b := cmem.Alloc(10) // want `b is not freed`
	binary.BigEndian.PutUint32(b, 7)
	b = bytes.TrimSpace(b)
	return q.check(b)
}

func closureLeak() func() {
	return func() {
		b := cmem.Alloc(10) // want `b is not freed`
		b[0] = 1
	}
}

func selected(done chan int, in chan int) {
	b := cmem.Alloc(10) // want `b is not freed on a path that ends at line 189`
	select {
	case <-done:
		return
	case n := <-in:
		b[0] = byte(n)
	}
	cmem.Free(b)
}

func literal(f func() error) error {
	b := cmem.Alloc(10) // want `b is not freed on a path that ends at line 203`
	release := func() { cmem.Free(b) }
	if err := f(); err != nil {
		release()
		return err
	}
	return nil
}

func copied(b []byte) int {
	c := cmem.Alloc(len(b)) // want `c is not freed`
	return copy(c, b)
}

func two(r io.Reader) ([]byte, error) {
	head, err := cmem.TryAlloc(10) // want `head is not freed on a path that ends at line 218`
	if err != nil {
		return nil, err
	}
	body, err := cmem.TryAlloc(100)
	if err != nil {
		return nil, err
	}
	copy(body, head)
	cmem.Free(head)
	return body, nil
}

func generic[T any](s []T) {}

func throughGeneric() {
	b := cmem.Alloc(10) // want `b is not freed`
	generic(b)
}
