package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/gocmem/cmem/examples/proxy/internal/memproto"
)

// version answers the version command.
const version = "VERSION 1.0.0-cmem-proxy"

// noAnswer is for a set or delete whose server is down or broke off. Such a key
// is a miss for get.
const noAnswer = "SERVER_ERROR the server of this key does not answer"

// session is one client's connection. Its fields belong to the goroutine in run,
// except those under mu.
type session struct {
	p    *proxy
	conn net.Conn
	r    *bufio.Reader
	req  memproto.Request
	head []byte // scratch for lines to send
	gone error  // why the client can no longer be written to

	mu       sync.Mutex
	idle     bool // waiting for a command
	draining bool // to end before the next command
}

func newSession(p *proxy, conn net.Conn) *session {
	return &session{p: p, conn: conn, r: bufio.NewReaderSize(conn, memproto.ReadBuffer)}
}

// run serves commands until the client leaves or drain ends it.
func (s *session) run(ctx context.Context) {
	for s.enterIdle() {
		line, err := memproto.ReadLine(s.r)
		s.leaveIdle()
		if errors.Is(err, memproto.ErrLineTooLong) {
			s.req.NoReply = false
			err = s.refuse(memproto.ErrLineTooLong)
		} else if err == nil {
			s.p.stats.in.Add(uint64(len(line) + len(memproto.CRLF)))
			err = s.execute(ctx, line)
		}
		if err != nil {
			return
		}
	}
}

// enterIdle marks the session as interruptible by drain. It returns false if
// drain came first.
func (s *session) enterIdle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining || s.conn.SetReadDeadline(time.Time{}) != nil {
		return false
	}
	s.idle = true
	return true
}

func (s *session) leaveIdle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = false
}

// drain makes the session end: now if it waits for a command, else after the
// one it runs. It may be called from any goroutine.
func (s *session) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
	if s.idle {
		// An error here means that the connection is closed already.
		_ = s.conn.SetReadDeadline(time.Unix(1, 0))
	}
}

// execute runs one command. An error of it ends the session.
func (s *session) execute(ctx context.Context, line []byte) error {
	var refusal memproto.Error
	if err := s.req.Parse(line); errors.As(err, &refusal) {
		return s.refuse(refusal)
	}
	s.p.stats.ops[s.req.Verb].Add(1)
	switch s.req.Verb {
	case memproto.Set:
		return s.set(ctx)
	case memproto.Delete:
		return s.delete(ctx)
	case memproto.Version:
		return s.answer(version)
	case memproto.Quit:
		return io.EOF
	default:
		return s.retrieve(ctx)
	}
}

// retrieve serves get and gets. The servers are asked for one key at a time: a
// round trip costs little beside a large body, and so a client that is slow to
// take its values never holds a server's connection. A server that fails makes
// its keys misses, as mcrouter does it.
func (s *session) retrieve(ctx context.Context) error {
	shares := s.p.ring.split(s.req.Keys)
	hits := 0
	if len(shares) == 1 {
		hits = s.relay(ctx, shares[0])
	} else {
		hits = s.merge(ctx, shares)
	}
	s.p.stats.hits.Add(uint64(hits))
	s.p.stats.misses.Add(uint64(len(s.req.Keys) - hits))
	if s.gone != nil {
		return s.gone
	}
	return s.answer(memproto.End)
}

// relay sends the client what one server has of its share.
func (s *session) relay(ctx context.Context, sh share) (hits int) {
	for _, key := range sh.keys {
		v, found := s.p.fetch(ctx, sh.server, s.req.Verb, key)
		if !found {
			continue
		}
		hits++
		if s.sendValue(ctx, v) != nil {
			break
		}
	}
	return hits
}

// merge sends the client what several servers have, in the order in which it
// comes. Each server's goroutine owns at most one value, until the channel hands
// it over.
func (s *session) merge(ctx context.Context, shares []share) (hits int) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	values := make(chan value)
	var fetching sync.WaitGroup
	for _, sh := range shares {
		fetching.Add(1)
		go func() {
			defer fetching.Done()
			for _, key := range sh.keys {
				if v, found := s.p.fetch(ctx, sh.server, s.req.Verb, key); found {
					values <- v
				}
				if ctx.Err() != nil {
					return
				}
			}
		}()
	}
	go func() {
		fetching.Wait()
		close(values)
	}()
	for v := range values {
		if s.gone != nil {
			s.p.heap.Free(v.block)
			continue
		}
		hits++
		if s.sendValue(ctx, v) != nil {
			cancel()
		}
	}
	return hits
}

// sendValue sends v to the client and frees it.
func (s *session) sendValue(ctx context.Context, v value) error {
	defer s.p.heap.Free(v.block)
	s.hold(ctx)
	s.head = memproto.AppendValue(s.head[:0], v.header)
	return s.send(s.head, v.block.Bytes)
}

// set reads the body into a block, passes it on, and frees it.
func (s *session) set(ctx context.Context) error {
	size := s.req.Length + len(memproto.CRLF)
	if s.req.Length > s.p.cfg.maxItem {
		return s.skipAndRefuse(size, memproto.ErrTooLarge)
	}
	// Reading the body makes the key invalid, so it is used up before.
	key := s.req.Keys[0]
	server := s.p.ring.serverOf(key)
	s.head = memproto.AppendSet(s.head[:0], key, s.req.Flags, s.req.Exptime, s.req.Length)
	if err := s.conn.SetReadDeadline(time.Now().Add(s.p.cfg.clientTimeout)); err != nil {
		return err
	}
	block, err := readBody(s.p.heap, s.r, size)
	switch {
	case errors.Is(err, errNoMemory):
		s.p.stats.memoryErrors.Add(1)
		return s.skipAndRefuse(size, memproto.ErrOutOfMemory)
	case errors.Is(err, errBadChunk):
		s.p.stats.in.Add(uint64(size))
		return s.refuse(memproto.ErrDataChunk)
	case err != nil:
		return err // the client left within the body
	}
	s.p.stats.in.Add(uint64(size))
	s.hold(ctx)
	answer, err := server.command(ctx, s.head, block.Bytes)
	s.p.heap.Free(block)
	return s.answerFrom(answer, err)
}

func (s *session) delete(ctx context.Context) error {
	key := s.req.Keys[0]
	s.head = memproto.AppendDelete(s.head[:0], key)
	return s.answerFrom(s.p.ring.serverOf(key).command(ctx, s.head))
}

// answerFrom passes on what a server answered, or that it did not.
func (s *session) answerFrom(answer string, err error) error {
	if err != nil {
		s.p.backendFailed(err)
		answer = noAnswer
	}
	return s.answer(answer)
}

// skipChunk is how many bytes of a refused body the client may take one
// client-timeout for.
const skipChunk = 1 << 20

// skipAndRefuse reads a body away, without a buffer for it, and then refuses it:
// what follows it is the next command.
func (s *session) skipAndRefuse(size int, why memproto.Error) error {
	for size > 0 {
		if err := s.conn.SetReadDeadline(time.Now().Add(s.p.cfg.clientTimeout)); err != nil {
			return err
		}
		n, err := s.r.Discard(min(size, skipChunk))
		s.p.stats.in.Add(uint64(n))
		if err != nil {
			return err
		}
		size -= n
	}
	return s.refuse(why)
}

// refuse answers what the client did wrong.
func (s *session) refuse(why memproto.Error) error {
	s.p.stats.clientErrors.Add(1)
	return s.answer(string(why))
}

// answer sends one line, unless the client asked for no reply.
func (s *session) answer(line string) error {
	if s.req.NoReply {
		return nil
	}
	s.head = append(append(s.head[:0], line...), memproto.CRLF...)
	return s.send(s.head)
}

// send writes parts to the client as one.
func (s *session) send(parts ...[]byte) error {
	s.gone = s.conn.SetWriteDeadline(time.Now().Add(s.p.cfg.clientTimeout))
	if s.gone == nil {
		vec := net.Buffers(parts)
		var n int64
		n, s.gone = vec.WriteTo(s.conn)
		s.p.stats.out.Add(uint64(n))
	}
	return s.gone
}

// hold keeps a body for a while as the -hold flag says.
func (s *session) hold(ctx context.Context) {
	span := s.p.cfg.hold
	if span.Max == 0 {
		return
	}
	wait := time.NewTimer(span.Min + rand.N(span.Max-span.Min+1))
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
	}
}
