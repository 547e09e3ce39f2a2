// Package silent has what is right, or cannot be known to be wrong.
package silent

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"log"
	"os"
	"sync"
	"testing"

	"github.com/gocmem/cmem/cmem"
)

type conn struct {
	buf  []byte
	bufs [][]byte
	m    map[string][]byte
	mu   sync.Mutex
	big  bool
}

// Shapes that fool bodyclose, sqlclosecheck and spancheck.

func deferredClosure(r io.Reader) error {
	b := cmem.Alloc(10)
	defer func() {
		cmem.Free(b)
	}()
	_, err := r.Read(b)
	return err
}

func deferredClosureArgument(r io.Reader) error {
	b := cmem.Alloc(10)
	defer func(b []byte) { cmem.Free(b) }(b)
	_, err := r.Read(b)
	return err
}

func deferredVariable(r io.Reader) error {
	b := cmem.Alloc(10)
	free := func() { cmem.Free(b) }
	defer free()
	_, err := r.Read(b)
	return err
}

func release(b []byte) { cmem.Free(b) }

func releaseLogged(b []byte) {
	log.Println("free")
	release(b)
}

func wrapper(r io.Reader) {
	b := cmem.Alloc(10)
	defer releaseLogged(b)
	r.Read(b)
}

func conditional(n int) {
	var b []byte
	if n > 10 {
		b = cmem.Alloc(n)
	}
	if b != nil {
		cmem.Free(b)
	}
}

func sameCondition(n int, r io.Reader) {
	var b []byte
	if n > 10 {
		b = cmem.Alloc(n)
	} else {
		b = make([]byte, n)
	}
	r.Read(b)
	if n > 10 {
		cmem.Free(b)
	}
}

func flag(n int, r io.Reader) {
	b := make([]byte, 10)
	owned := false
	if n > len(b) {
		b, owned = cmem.Alloc(n), true
	}
	r.Read(b)
	if owned {
		cmem.Free(b)
	}
}

func flagClosure(n int, r io.Reader) error {
	ok := false
	b := cmem.Alloc(n)
	defer func() {
		if !ok {
			cmem.Free(b)
		}
	}()
	if _, err := r.Read(b); err != nil {
		return err
	}
	ok = true
	os.Stdout.Write(b)
	keep(b)
	return nil
}

var kept []byte

func keep(b []byte) { kept = b }

func owner(r io.Reader) ([]byte, error) {
	b := cmem.Alloc(10)
	if _, err := r.Read(b); err != nil {
		cmem.Free(b)
		return nil, err
	}
	return b, nil
}

func namedResult(r io.Reader) (b []byte, err error) {
	b = cmem.Alloc(10)
	defer func() {
		if err != nil {
			cmem.Free(b)
			b = nil
		}
	}()
	_, err = r.Read(b)
	if err != nil {
		return b, err
	}
	return b, nil
}

func wrapError(err error) error { return err }

func namedResultWrapped(r io.Reader) (out []byte, err error) {
	b := cmem.Alloc(10)
	defer func() {
		if err != nil {
			cmem.Free(b)
		}
	}()
	if _, err := r.Read(b); err != nil {
		return nil, wrapError(err)
	}
	return b, nil
}

func ownerCalled(r io.Reader) error {
	b, err := owner(r)
	if err != nil {
		return err
	}
	cmem.Free(b)
	return nil
}

func ownerTail(r io.Reader) ([]byte, error) { return owner(r) }

func structOwner(r io.Reader) *conn {
	return &conn{buf: cmem.Alloc(10)}
}

// Errors.

func tried(n int) error {
	b, err := cmem.TryAlloc(n)
	if err != nil {
		return err
	}
	defer cmem.Free(b)
	return nil
}

func triedBoth(n int) ([]byte, error) {
	b, err := cmem.TryAlloc(n)
	if errors.Is(err, io.EOF) {
		return nil, err
	}
	return b, err
}

func triedLater(n int) (b []byte, err error) {
	if b, err = cmem.TryAlloc(n); err != nil {
		return
	}
	return b, nil
}

func triedNil(n int) {
	b, _ := cmem.TryAlloc(n)
	if b == nil {
		return
	}
	cmem.Free(b)
}

func empty(n int) {
	b := cmem.Alloc(n)
	if len(b) == 0 {
		return
	}
	cmem.Free(b)
}

// Paths that do not return.

func panics(b []byte, r io.Reader) {
	c := cmem.Alloc(10)
	if _, err := r.Read(c); err != nil {
		panic(err)
	}
	if len(b) > 10 {
		log.Fatal("long")
	}
	if len(b) > 5 {
		os.Exit(1)
	}
	cmem.Free(c)
}

func testT(t *testing.T, r io.Reader) {
	b := cmem.Alloc(10)
	if _, err := r.Read(b); err != nil {
		t.Fatal(err)
	}
	cmem.Free(b)
}

func testTB(t testing.TB, r io.Reader) {
	b := cmem.Alloc(10)
	if _, err := r.Read(b); err != nil {
		t.Fatalf("%v", err)
	}
	cmem.Free(b)
}

func cleanup(t *testing.T, r io.Reader) {
	b := cmem.Alloc(10)
	t.Cleanup(func() { cmem.Free(b) })
	r.Read(b)
}

// What somebody else has.

func (c *conn) stored() {
	c.buf = cmem.Alloc(10)
	b := cmem.Alloc(10)
	c.bufs = append(c.bufs, b)
	d := cmem.Alloc(10)
	c.m["d"] = d
}

func (c *conn) grow(n int) {
	c.buf = cmem.Realloc(c.buf, n)
}

func sent(ch chan []byte, r io.Reader) {
	for {
		b := cmem.Alloc(10)
		n, err := r.Read(b)
		if err != nil {
			cmem.Free(b)
			return
		}
		ch <- b[:n]
	}
}

func sentSelect(ch chan []byte, done chan int) {
	b := cmem.Alloc(10)
	select {
	case ch <- b:
	case <-done:
		cmem.Free(b)
	}
}

func goroutine(r io.Reader) {
	b := cmem.Alloc(10)
	go func() {
		defer cmem.Free(b)
		r.Read(b)
	}()
}

func goroutineCall(r io.Reader) {
	b := cmem.Alloc(10)
	go release(b)
}

func keeper(q interface{ Push([]byte) error }) error {
	b := cmem.Alloc(10)
	if err := q.Push(b); err != nil {
		cmem.Free(b)
		return err
	}
	return nil
}

func keeperBool(q interface{ TryPush([]byte) bool }) {
	b := cmem.Alloc(10)
	if !q.TryPush(b) {
		cmem.Free(b)
	}
}

func reader() io.Reader {
	b := cmem.Alloc(10)
	return bytes.NewReader(b)
}

func structValue() conn {
	var c conn
	c.buf = cmem.Alloc(10)
	return c
}

func attached(c *conn) {
	b := cmem.Alloc(10)
	cmem.Attach(c, b)
}

func channelOf(n int) <-chan []byte {
	ch := make(chan []byte, n)
	for range n {
		ch <- cmem.Alloc(10)
	}
	return ch
}

// Slices.

func sliced(r io.Reader) {
	b := cmem.Alloc(10)
	b = b[:5]
	n, _ := r.Read(b)
	b = b[0:n]
	cmem.Free(b)
}

func rest(w io.Writer) error {
	b := cmem.Alloc(10)
	defer cmem.Free(b)
	for len(b) > 0 {
		n, err := w.Write(b)
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

func appendedElsewhere(out []byte) []byte {
	b := cmem.Alloc(10)
	out = append(out, b...)
	cmem.Free(b)
	return out
}

func appendedOther(s string) []byte {
	b := cmem.Alloc(10)
	c := append(b[:0:0], s...)
	cmem.Free(b)
	return c
}

func appendedFits(s string) {
	b := cmem.Alloc(10)[:0]
	if len(s) > cap(b) {
		b = cmem.Realloc(b, len(s))[:0]
	}
	b = append(b, s...)
	cmem.Free(b)
}

func asked(s string) {
	b := cmem.Alloc(10)[:0]
	b = append(b, s...)
	if cmem.Owns(b) {
		cmem.Free(b)
	}
}

func deferredRealloc(n int, r io.Reader) {
	b := cmem.Alloc(n)
	defer func() { cmem.Free(b) }()
	for {
		m, err := r.Read(b)
		if err != nil {
			return
		}
		if m == len(b) {
			b = cmem.Realloc(b, 2*len(b))
		}
	}
}

func grown(r io.Reader) ([]byte, error) {
	b := cmem.Alloc(512)
	n := 0
	for {
		if n == len(b) {
			b = cmem.Realloc(b, 2*n)
		}
		m, err := r.Read(b[n:])
		n += m
		if err == io.EOF {
			return b[:n], nil
		}
		if err != nil {
			cmem.Free(b)
			return nil, err
		}
	}
}

func length(b []byte) int {
	cmem.Free(b)
	return len(b) + cap(b)
}

func setAgain(b []byte) []byte {
	cmem.Free(b)
	b = cmem.Alloc(10)
	return b
}

func freedNil(c *conn) {
	cmem.Free(c.buf)
	c.buf = nil
	cmem.Free(c.buf)
}

func (c *conn) reset() { c.buf = nil }

func freedReset(c *conn) {
	cmem.Free(c.buf)
	c.reset()
	cmem.Free(c.buf)
}

func (c *conn) locked() {
	c.mu.Lock()
	cmem.Free(c.buf)
	c.buf = nil
	c.mu.Unlock()
	c.mu.Lock()
	cmem.Free(c.buf)
	c.mu.Unlock()
}

func freedAll(c *conn) {
	for i := range c.bufs {
		cmem.Free(c.bufs[i])
	}
	for _, b := range c.bufs {
		cmem.Free(b)
	}
}

func done(b []byte, r *bufio.Reader) {
	done := false
	for !done {
		if _, err := r.Read(b); err != nil {
			cmem.Free(b)
			done = true
		}
	}
}

func fieldCondition(c *conn, r io.Reader) {
	var b []byte
	if c.big {
		b = cmem.Alloc(1 << 20)
	} else {
		b = make([]byte, 10)
	}
	r.Read(b)
	if c.big {
		cmem.Free(b)
	}
}

func switched(kind int, r io.Reader) {
	var b []byte
	switch kind {
	case 1:
		b = cmem.Alloc(10)
	case 2:
		b = cmem.Alloc(20)
	default:
		return
	}
	r.Read(b)
	switch kind {
	case 1, 2:
		cmem.Free(b)
	}
}

func takesOver(b []byte) []byte {
	c := cmem.Alloc(2 * len(b))
	copy(c, b)
	cmem.Free(b)
	return c
}

func swap(r io.Reader) {
	a, b := cmem.Alloc(10), cmem.Alloc(10)
	for range 10 {
		r.Read(a)
		a, b = b, a
	}
	cmem.Free(a)
	cmem.Free(b)
}

func previous(r io.Reader) {
	var prev []byte
	for range 10 {
		b := cmem.Alloc(10)
		r.Read(b)
		if prev != nil {
			cmem.Free(prev)
		}
		prev = b
	}
	if prev != nil {
		cmem.Free(prev)
	}
}

func address(r io.Reader) {
	b := cmem.Alloc(10)
	take(&b)
	cmem.Free(b)
}

func take(b *[]byte) { *b = nil }

func labels(r io.Reader) {
	b := cmem.Alloc(10)
	if _, err := r.Read(b); err != nil {
		goto out
	}
	b[0] = 1
out:
	cmem.Free(b)
}

func once(b []byte) {
	var o sync.Once
	o.Do(func() { cmem.Free(b) })
	o.Do(func() { cmem.Free(b) })
}

func (c *conn) release() {
	cmem.Free(c.buf)
	c.buf = nil
}

func releasedTwice(c *conn) {
	c.release()
	c.release()
}

func (c *conn) free() { cmem.Free(c.buf) }

func freedAndSet(c *conn) {
	c.free()
	c.buf = cmem.Alloc(10)
	c.free()
}

func (c *conn) fill() { c.buf = cmem.Alloc(10) }

func freedAndFilled(c *conn) {
	c.free()
	c.fill()
	c.free()
}

func wrapped(r io.Reader) error {
	b := cmem.Alloc(10)
	defer cmem.Free(b)
	if _, err := r.Read(b); err != nil {
		return err
	}
	_, err := io.Copy(os.Stdout, bytes.NewReader(b))
	return err
}

func wrappedReturned() io.Reader { return bytes.NewReader(cmem.Alloc(10)) }

func inStruct(send func(*conn)) {
	b := cmem.Alloc(10)
	c := &conn{buf: b}
	send(c)
	cmem.Free(b)
	c.buf = nil
	send(c)
}
