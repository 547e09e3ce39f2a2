// Package silentpool has right uses of sync.Pool.
package silentpool

import (
	"bytes"
	"sync"
	"sync/atomic"
)

type state struct {
	n    int
	refs int32
	data []byte
	next *state
	out  []string
}

var buffers sync.Pool
var states sync.Pool

func deferred() string {
	b := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(b)
	return b.String()
}

func list(s *state) {
	for s != nil {
		next := s.next
		states.Put(s)
		s = next
	}
}

func all(list []*state) {
	for _, s := range list {
		states.Put(s)
	}
}

func (s *state) unref() {
	if atomic.AddInt32(&s.refs, -1) == 0 {
		states.Put(s)
	}
}

func counted(s *state) int {
	s.unref()
	return s.n
}

func detached() []byte {
	s := states.Get().(*state)
	data := s.data
	s.data = nil
	states.Put(s)
	return data
}

func number() int {
	s := states.Get().(*state)
	n := s.n
	states.Put(s)
	return n
}

func again() *state {
	s := states.Get().(*state)
	states.Put(s)
	s = states.Get().(*state)
	return s
}

func compared() bool {
	s := states.Get().(*state)
	states.Put(s)
	return s == states.Get()
}

func result() []string {
	s := states.Get().(*state)
	out := s.out
	states.Put(s)
	return out
}

func condition(ok bool) int {
	s := states.Get().(*state)
	if !ok {
		states.Put(s)
		s = nil
	}
	if s != nil {
		return s.n
	}
	return 0
}

type Pool[T any] struct{ p sync.Pool }

func (p *Pool[T]) Get() T  { return p.p.Get().(T) }
func (p *Pool[T]) Put(x T) { p.p.Put(x) }

func generic(p *Pool[*state]) {
	s := p.Get()
	s.n++
	p.Put(s)
}
