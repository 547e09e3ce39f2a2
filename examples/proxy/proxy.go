package main

import (
	"context"
	"errors"
	"log"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gocmem/cmem/examples/proxy/internal/buffers"
	"github.com/gocmem/cmem/examples/proxy/internal/memproto"
)

// proxy accepts clients and runs a session for each.
type proxy struct {
	cfg   *config
	heap  *buffers.Heap
	ring  *ring
	stats counters

	slots   chan struct{} // one taken by each client
	running sync.WaitGroup

	mu       sync.Mutex
	sessions map[*session]struct{}
}

// counters are the numbers of the metrics page that only ever grow.
type counters struct {
	ops           [memproto.Verbs]atomic.Uint64
	hits, misses  atomic.Uint64
	clientErrors  atomic.Uint64
	backendErrors atomic.Uint64
	memoryErrors  atomic.Uint64
	in, out       atomic.Uint64
	lastLogged    atomic.Int64 // Unix nanoseconds, of the last backend error
}

func newProxy(cfg *config, heap *buffers.Heap) (*proxy, error) {
	servers := make([]*server, len(cfg.servers))
	for i, addr := range cfg.servers {
		s, err := newServer(addr, heap, cfg)
		if err != nil {
			return nil, err
		}
		servers[i] = s
	}
	return &proxy{
		cfg:      cfg,
		heap:     heap,
		ring:     newRing(servers),
		slots:    make(chan struct{}, cfg.maxConns),
		sessions: make(map[*session]struct{}),
	}, nil
}

// acceptPause follows a failed accept, which is likely a lack of file
// descriptors that takes a moment to pass.
const acceptPause = 50 * time.Millisecond

// serve accepts clients from ln until stop and ln are closed. Their sessions get
// ctx, which cuts short what they do.
func (p *proxy) serve(ctx context.Context, ln net.Listener, stop <-chan struct{}) {
	for {
		select {
		case p.slots <- struct{}{}:
		case <-stop:
			return
		}
		conn, err := ln.Accept()
		if err == nil {
			p.start(ctx, conn)
			continue
		}
		<-p.slots
		if errors.Is(err, net.ErrClosed) {
			return
		}
		log.Printf("accept: %v", err)
		time.Sleep(acceptPause)
	}
}

// start runs a session over conn, in the slot that serve took for it.
func (p *proxy) start(ctx context.Context, conn net.Conn) {
	s := newSession(p, conn)
	p.mu.Lock()
	p.sessions[s] = struct{}{}
	p.mu.Unlock()
	p.running.Add(1)
	go func() {
		defer p.running.Done()
		s.run(ctx)
		conn.Close()
		p.mu.Lock()
		delete(p.sessions, s)
		p.mu.Unlock()
		<-p.slots
	}()
}

func (p *proxy) eachSession(f func(s *session)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for s := range p.sessions {
		f(s)
	}
}

// connections returns how many clients are connected.
func (p *proxy) connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.sessions)
}

// shutdown ends the sessions: idle ones at once, the others after the command
// they run, and after cfg.grace by force, for which abort cancels serve's ctx.
// serve must have returned. A command that waits for a server when force is used
// still takes up to cfg.serverTimeout.
func (p *proxy) shutdown(abort context.CancelFunc) {
	p.eachSession((*session).drain)
	ended := make(chan struct{})
	go func() {
		p.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(p.cfg.grace):
		log.Printf("cutting off clients whose commands did not end within %v", p.cfg.grace)
		abort()
		p.eachSession(func(s *session) { s.conn.Close() })
		<-ended
	}
	for _, s := range p.ring.servers {
		s.close()
	}
}

// fetch gets key from its server, which counts as having no such key when it
// fails.
func (p *proxy) fetch(ctx context.Context, from *server, verb memproto.Verb, key []byte) (v value, found bool) {
	v, found, err := from.fetch(ctx, verb, key)
	switch {
	case errors.Is(err, errNoMemory):
		p.stats.memoryErrors.Add(1)
	case err != nil && ctx.Err() == nil:
		p.backendFailed(err)
	}
	return v, found
}

// backendFailed counts an exchange that a server did not complete, and logs one
// a second: a dead server fails every command.
func (p *proxy) backendFailed(err error) {
	p.stats.backendErrors.Add(1)
	now, last := time.Now().UnixNano(), p.stats.lastLogged.Load()
	if now-last >= int64(time.Second) && p.stats.lastLogged.CompareAndSwap(last, now) {
		log.Print(err)
	}
}
