package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/puddle/v2"

	"github.com/gocmem/cmem/examples/proxy/internal/buffers"
	"github.com/gocmem/cmem/examples/proxy/internal/memproto"
)

// server is one memcached server: its address, its pool of connections, and
// whether it is worth trying.
type server struct {
	addr    string
	heap    *buffers.Heap
	maxItem int // bytes of the largest body that is fetched
	// timeout bounds each step of an exchange: getting a connection, sending a
	// request, reading one answer line or one body.
	timeout time.Duration
	// downFor is how long a server that refused a connection or let an exchange
	// time out is left alone, so that not every command waits for the same.
	downFor   time.Duration
	downUntil atomic.Int64 // Unix nanoseconds
	pool      *puddle.Pool[*backendConn]
}

// backendConn is a connection to a server. One goroutine at a time uses it.
type backendConn struct {
	net.Conn
	r    *bufio.Reader
	used bool // has completed an exchange before
}

func newServer(addr string, heap *buffers.Heap, cfg *config) (*server, error) {
	s := &server{addr: addr, heap: heap, maxItem: cfg.maxItem, timeout: cfg.serverTimeout, downFor: cfg.downFor}
	pool, err := puddle.NewPool(&puddle.Config[*backendConn]{
		Constructor: s.dial,
		Destructor:  func(c *backendConn) { c.Close() },
		MaxSize:     int32(cfg.serverConns),
	})
	if err != nil {
		return nil, err
	}
	s.pool = pool
	return s, nil
}

func (s *server) dial(ctx context.Context) (*backendConn, error) {
	d := net.Dialer{Timeout: s.timeout}
	c, err := d.DialContext(ctx, "tcp", s.addr)
	if err != nil {
		if ctx.Err() == nil {
			s.markDown(err)
		}
		return nil, err
	}
	return &backendConn{Conn: c, r: bufio.NewReaderSize(c, memproto.ReadBuffer)}, nil
}

func (s *server) markDown(reason error) {
	log.Printf("server %s is down: %v", s.addr, reason)
	s.downUntil.Store(time.Now().Add(s.downFor).UnixNano())
}

// close closes the connections, waiting for those in use.
func (s *server) close() { s.pool.Close() }

// exchange is one request and its answer on a connection out of the pool. It
// ends with done or with broken.
type exchange struct {
	server   *server
	res      *puddle.Resource[*backendConn]
	conn     *backendConn
	answered bool // something of the answer was read
}

func (s *server) begin(ctx context.Context) (*exchange, error) {
	if time.Now().UnixNano() < s.downUntil.Load() {
		return nil, fmt.Errorf("server %s is down", s.addr)
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	res, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("server %s: %w", s.addr, err)
	}
	return &exchange{server: s, res: res, conn: res.Value()}, nil
}

// done gives the connection back: the answer was read to its end.
func (x *exchange) done() {
	x.conn.used = true
	x.res.Release()
}

// broken closes the connection, because nobody knows what it would say next, and
// returns err with the server's name. stale says that the likely reason is a
// server that closed the connection while it lay in the pool, as after a
// restart; the other idle connections are closed then too.
func (x *exchange) broken(err error) (stale bool, _ error) {
	s := x.server
	timedOut := errors.Is(err, os.ErrDeadlineExceeded)
	if timedOut {
		s.markDown(err)
	}
	stale = x.conn.used && !x.answered && !timedOut
	if stale {
		s.pool.Reset()
	}
	x.res.Destroy()
	return stale, fmt.Errorf("server %s: %w", s.addr, err)
}

func (x *exchange) extendDeadline() error {
	return x.conn.SetDeadline(time.Now().Add(x.server.timeout))
}

func (x *exchange) send(parts ...[]byte) error {
	if err := x.extendDeadline(); err != nil {
		return err
	}
	vec := net.Buffers(parts)
	_, err := vec.WriteTo(x.conn.Conn) // the TCP connection itself, or it would not be one writev
	return err
}

func (x *exchange) readLine() ([]byte, error) {
	line, err := memproto.ReadLine(x.conn.r)
	x.answered = x.answered || err == nil
	return line, err
}

// value is a body that was found, whole, in a block of its own, which belongs
// to whoever has the value. The header's key is the client's, not the server's.
type value struct {
	header memproto.Value
	block  buffers.Block // header.Length bytes and the line end
}

// fetch asks the server for one key. found is false where it has none, or one
// with a body larger than this proxy passes on.
//
// A connection that turns out to be stale is replaced once: reading twice does
// no harm.
func (s *server) fetch(ctx context.Context, verb memproto.Verb, key []byte) (v value, found bool, err error) {
	for again := true; ; again = false {
		x, err := s.begin(ctx)
		if err != nil {
			return value{}, false, err
		}
		v, found, err := x.get(verb, key)
		if err == nil {
			x.done()
			return v, found, nil
		}
		stale, err := x.broken(err)
		if !stale || !again {
			return value{}, false, err
		}
	}
}

// get runs a whole get or gets for one key.
func (x *exchange) get(verb memproto.Verb, key []byte) (v value, found bool, err error) {
	if err := x.send(memproto.AppendRetrieval(nil, verb, key)); err != nil {
		return value{}, false, err
	}
	line, err := x.readLine()
	if err != nil || string(line) == memproto.End {
		return value{}, false, err
	}
	if v, found, err = x.readValue(line, key); err != nil {
		return value{}, false, err
	}
	line, err = x.readLine()
	if err == nil && string(line) != memproto.End {
		err = fmt.Errorf("unexpected line %.100q after a value", line)
	}
	if err != nil && found {
		x.server.heap.Free(v.block)
	}
	return v, found && err == nil, err
}

// readValue reads the body that line announces for key. A body that is larger
// than the limit is read away.
func (x *exchange) readValue(line, key []byte) (v value, found bool, err error) {
	header, err := memproto.ParseValue(line)
	if err != nil {
		return value{}, false, err
	}
	if !bytes.Equal(header.Key, key) {
		return value{}, false, fmt.Errorf("a value for the key %q, which was not asked for", header.Key)
	}
	header.Key = key
	if err := x.extendDeadline(); err != nil {
		return value{}, false, err
	}
	size := header.Length + len(memproto.CRLF)
	if header.Length > x.server.maxItem {
		_, err := x.conn.r.Discard(size)
		return value{}, false, err
	}
	block, err := readBody(x.server.heap, x.conn.r, size)
	return value{header, block}, err == nil, err
}

// command sends a request that is answered by one line, a set or a delete, and
// returns that line. It is not repeated: when the connection breaks, whether the
// server carried it out is unknown.
func (s *server) command(ctx context.Context, request ...[]byte) (string, error) {
	x, err := s.begin(ctx)
	if err != nil {
		return "", err
	}
	var answer string
	if err = x.send(request...); err == nil {
		var line []byte
		line, err = x.readLine()
		answer = string(line)
	}
	switch {
	case err != nil:
	case answer == memproto.Stored, answer == memproto.Deleted, answer == memproto.NotFound,
		strings.HasPrefix(answer, "SERVER_ERROR "): // after which memcached has skipped the body
		x.done()
		return answer, nil
	default:
		err = fmt.Errorf("unexpected answer %.100q", answer)
	}
	_, err = x.broken(err)
	return "", err
}
