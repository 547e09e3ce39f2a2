package modes

import (
	"container/list"
	"time"
)

// recycler is the article's third program: a goroutine with a list of idle buffers, the newest in
// front, that sends the front one on the channel get, takes what comes on give, and drops what
// nobody has wanted for Config.Age. It always has a buffer at hand: it makes one when the list is
// empty, before anybody asks. Its goroutine runs as long as the process.
type recycler struct {
	tally
	get, give chan []byte
	ask       chan int // sized only: how many bytes the next get is for
	sized     bool

	age   time.Duration
	aging func() <-chan time.Time // called before each wait; when the channel delivers, old buffers are dropped
	size  func() int
	now   func() time.Time
	q     *list.List // of queued
}

// queued is an idle buffer and when it was given back.
type queued struct {
	when  time.Time
	slice []byte
}

// clock is what the ageing needs of package time; a test has its own.
type clock struct {
	now   func() time.Time
	after func(time.Duration) <-chan time.Time
	tick  func(time.Duration) <-chan time.Time
}

var wallClock = clock{time.Now, time.After, time.Tick}

// restarting is the article's ageing. A timer of age is started before each wait and forgotten by
// whatever ends the wait, so it fires only after nobody has called for all of age: WHILE THERE IS
// TRAFFIC, NOTHING AGES.
func (c clock) restarting(age time.Duration) func() <-chan time.Time {
	return func() <-chan time.Time { return c.after(age) }
}

// ticksPerAge is how often in an age the mended recycler looks. A buffer goes at most a tick after its time.
const ticksPerAge = 6

// running is the mended ageing: one ticker, which no call restarts.
func (c clock) running(age time.Duration) func() <-chan time.Time {
	ticks := c.tick(age / ticksPerAge)
	return func() <-chan time.Time { return ticks }
}

func newRecycler(c Config) Mode { return startRecycler(c, wallClock, clock.restarting, false) }

func newSizedRecycler(c Config) Mode { return startRecycler(c, wallClock, clock.restarting, true) }

func newMendedRecycler(c Config) Mode { return startRecycler(c, wallClock, clock.running, false) }

func startRecycler(cfg Config, c clock, aging func(clock, time.Duration) func() <-chan time.Time,
	sized bool) *recycler {
	m := &recycler{
		get:   make(chan []byte),
		give:  make(chan []byte),
		ask:   make(chan int),
		sized: sized,
		age:   cfg.Age,
		aging: aging(c, cfg.Age),
		size:  cfg.Size,
		now:   c.now,
		q:     list.New(),
	}
	go m.serve()
	return m
}

func (m *recycler) Get(n int) []byte {
	if m.sized {
		m.ask <- n
	}
	return <-m.get
}

func (m *recycler) Give(b []byte) { m.give <- b }

func (m *recycler) serve() {
	for {
		var get chan []byte // nil, on which nothing is ever sent, where buffers are to be asked for
		var first []byte
		if !m.sized {
			if m.q.Len() == 0 {
				m.push(m.fresh(m.size()))
			}
			get, first = m.get, m.q.Front().Value.(queued).slice
		}
		select {
		case b := <-m.give:
			m.push(b)
		case get <- first:
			m.remove(m.q.Front())
		case n := <-m.ask:
			m.get <- m.find(n)
		case <-m.aging():
			m.dropOld()
		}
	}
}

func (m *recycler) push(b []byte) {
	m.stored(b)
	m.q.PushFront(queued{m.now(), b})
}

func (m *recycler) remove(e *list.Element) { m.taken(m.q.Remove(e).(queued).slice) }

// find takes the newest buffer that holds n bytes, or makes one.
func (m *recycler) find(n int) []byte {
	for e := m.q.Front(); e != nil; e = e.Next() {
		if b := e.Value.(queued).slice; cap(b) >= n {
			m.remove(e)
			return b[:n]
		}
	}
	return m.fresh(n)
}

func (m *recycler) dropOld() {
	now := m.now()
	for e := m.q.Front(); e != nil; {
		next := e.Next()
		if now.Sub(e.Value.(queued).when) > m.age {
			m.remove(e)
		}
		e = next
	}
}
