// Package memstore is a small server that speaks the proxy's part of
// memcached's protocol. It serves in memcached's place where that cannot be had,
// and in tests, where it can be told to misbehave. It keeps bodies in Go memory
// and never evicts: when it is full it says so, as memcached -M does.
package memstore

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gocmem/cmem/examples/proxy/internal/memproto"
)

// Options says how a Server behaves. The zero value is a well-behaved one.
type Options struct {
	MaxItem  int   // bytes of the largest body; 0 means 8 MiB
	MaxBytes int64 // bytes of all bodies together; 0 means 1 GiB
	// Fault is asked before each command, get, set and so on, what is to go
	// wrong with it. It may be called from several goroutines. nil means
	// nothing ever.
	Fault func(command string) Fault
}

// Fault is a way to fail.
type Fault int

// The faults.
const (
	// None serves the command.
	None Fault = iota
	// Close closes the connection instead of answering.
	Close
	// CloseInBody closes it when half of a body went over it: the first value's
	// of a get, the client's of a set.
	CloseInBody
	// CloseAfterBody closes it when a get's first value went over it whole, but
	// not the line that ends the answer. For a set it is the same as None.
	CloseAfterBody
	// Stall leaves the command unanswered until the server is closed.
	Stall
	// Babble answers with a line that the protocol does not have.
	Babble
	// Corrupt answers a get with one byte of each body changed.
	Corrupt
	// WrongKey answers a get with a value of a key that nobody asked for.
	WrongKey
)

// Server is a running store.
type Server struct {
	opts     Options
	listener net.Listener
	running  sync.WaitGroup
	closing  sync.Once
	closed   chan struct{} // closed by Close
	closeErr error

	mu    sync.Mutex
	items map[string]item
	bytes int64 // of all bodies
	cas   uint64
	conns map[net.Conn]struct{} // nil when closed

	accepted atomic.Int64
}

// item is a stored value. Its body is never changed, only replaced, so a get may
// send it without the lock.
type item struct {
	flags   uint32
	cas     uint64
	expires time.Time // zero means never
	body    []byte    // without the line end
}

// Listen starts a store on addr, host:port, where port 0 takes a free one.
func Listen(addr string, opts Options) (*Server, error) {
	if opts.MaxItem == 0 {
		opts.MaxItem = 8 << 20
	}
	if opts.MaxBytes == 0 {
		opts.MaxBytes = 1 << 30
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	s := &Server{
		opts:     opts,
		listener: ln,
		closed:   make(chan struct{}),
		items:    make(map[string]item),
		conns:    make(map[net.Conn]struct{}),
	}
	s.running.Add(1)
	go s.accept()
	return s, nil
}

// Addr returns the address, host:port, that the store listens on.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Accepted returns how many connections there have been.
func (s *Server) Accepted() int64 { return s.accepted.Load() }

// Close stops listening, closes all connections and waits for their goroutines.
// Further calls do nothing.
func (s *Server) Close() error {
	s.closing.Do(func() {
		s.closeErr = s.listener.Close()
		close(s.closed)
		s.mu.Lock()
		for c := range s.conns {
			c.Close()
		}
		s.conns = nil
		s.mu.Unlock()
		s.running.Wait()
	})
	return s.closeErr
}

func (s *Server) accept() {
	defer s.running.Done()
	for {
		c, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond) // out of descriptors, most likely
			continue
		}
		s.mu.Lock()
		open := s.conns != nil
		if open {
			s.accepted.Add(1)
			s.conns[c] = struct{}{}
			s.running.Add(1)
			go s.serve(c)
		}
		s.mu.Unlock()
		if !open {
			c.Close()
		}
	}
}

// client is one connection.
type client struct {
	store *Server
	r     *bufio.Reader
	w     *bufio.Writer
	req   memproto.Request
}

func (s *Server) serve(conn net.Conn) {
	defer s.running.Done()
	c := &client{store: s, r: bufio.NewReader(conn), w: bufio.NewWriter(conn)}
	for {
		line, err := memproto.ReadLine(c.r)
		if errors.Is(err, memproto.ErrLineTooLong) {
			c.req.NoReply = false
			err = c.answer(err.Error())
		} else if err == nil {
			err = c.execute(line)
		}
		// What was said before an error is still to be heard.
		if flushErr := c.w.Flush(); err != nil || flushErr != nil {
			break
		}
	}
	conn.Close()
	s.mu.Lock()
	delete(s.conns, conn)
	s.mu.Unlock()
}

// errHangUp ends a connection from this side.
var errHangUp = errors.New("connection to be closed")

// execute runs one command. An error of it ends the connection.
func (c *client) execute(line []byte) error {
	if err := c.req.Parse(line); err != nil {
		return c.answer(err.Error())
	}
	fault := None
	if c.store.opts.Fault != nil {
		fault = c.store.opts.Fault(c.req.Verb.String())
	}
	switch fault {
	case Close:
		return errHangUp
	case Stall:
		<-c.store.closed
		return errHangUp
	case Babble:
		return c.answer("WHAT")
	}
	switch c.req.Verb {
	case memproto.Set:
		return c.set(fault)
	case memproto.Delete:
		if c.store.delete(string(c.req.Keys[0])) {
			return c.answer(memproto.Deleted)
		}
		return c.answer(memproto.NotFound)
	case memproto.Version:
		return c.answer("VERSION memstore")
	case memproto.Quit:
		return errHangUp
	default:
		return c.retrieve(fault)
	}
}

// answer writes one line, unless the client asked for no reply.
func (c *client) answer(line string) error {
	if c.req.NoReply {
		return nil
	}
	_, err := c.w.WriteString(line + memproto.CRLF)
	return err
}

func (c *client) retrieve(fault Fault) error {
	for _, key := range c.req.Keys {
		it, ok := c.store.get(string(key))
		if !ok {
			continue
		}
		header := memproto.Value{Key: key, Flags: it.flags, Length: len(it.body), CAS: it.cas,
			HasCAS: c.req.Verb == memproto.Gets}
		if fault == WrongKey {
			header.Key = []byte("nobody-asked-for-this")
		}
		body := it.body
		switch {
		case fault == CloseInBody:
			body = body[:len(body)/2]
		case fault == Corrupt && len(body) > 0:
			body = bytes.Clone(body)
			body[len(body)/2] ^= 1
		}
		if _, err := c.w.Write(memproto.AppendValue(nil, header)); err != nil {
			return err
		}
		if _, err := c.w.Write(body); err != nil {
			return err
		}
		if fault == CloseInBody {
			return errHangUp
		}
		if _, err := c.w.WriteString(memproto.CRLF); err != nil {
			return err
		}
		if fault == CloseAfterBody {
			return errHangUp
		}
	}
	_, err := c.w.WriteString(memproto.End + memproto.CRLF)
	return err
}

func (c *client) set(fault Fault) error {
	size := c.req.Length + len(memproto.CRLF)
	if fault == CloseInBody {
		if _, err := c.r.Discard(size / 2); err != nil {
			return err
		}
		return errHangUp
	}
	if c.req.Length > c.store.opts.MaxItem {
		if _, err := c.r.Discard(size); err != nil {
			return err
		}
		return c.answer(memproto.ErrTooLarge.Error())
	}
	// Reading the body makes the key invalid, so it is copied before.
	key := string(c.req.Keys[0])
	body := make([]byte, size)
	if _, err := io.ReadFull(c.r, body); err != nil {
		return err
	}
	if string(body[c.req.Length:]) != memproto.CRLF {
		return c.answer(memproto.ErrDataChunk.Error())
	}
	if !c.store.set(key, item{flags: c.req.Flags, expires: expiry(c.req.Exptime), body: body[:c.req.Length]}) {
		return c.answer(memproto.ErrOutOfMemory.Error())
	}
	return c.answer(memproto.Stored)
}

// monthSeconds is the largest relative expiry time: larger ones are Unix times.
const monthSeconds = 30 * 24 * 60 * 60

func expiry(exptime int64) time.Time {
	switch {
	case exptime == 0:
		return time.Time{}
	case exptime <= monthSeconds: // negative ones are in the past
		return time.Now().Add(time.Duration(exptime) * time.Second)
	default:
		return time.Unix(exptime, 0)
	}
}

func (s *Server) get(key string) (item, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	it, ok := s.items[key]
	if ok && !it.expires.IsZero() && !time.Now().Before(it.expires) {
		s.remove(key, it)
		ok = false
	}
	return it, ok
}

// set stores it, unless that would be too much.
func (s *Server) set(key string, it item) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.items[key]
	if s.bytes-int64(len(old.body))+int64(len(it.body)) > s.opts.MaxBytes {
		return false
	}
	if ok {
		s.remove(key, old)
	}
	s.cas++
	it.cas = s.cas
	s.items[key] = it
	s.bytes += int64(len(it.body))
	return true
}

func (s *Server) delete(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	it, ok := s.items[key]
	if ok {
		s.remove(key, it)
	}
	return ok
}

// remove takes it out. s.mu must be held.
func (s *Server) remove(key string, it item) {
	delete(s.items, key)
	s.bytes -= int64(len(it.body))
}
