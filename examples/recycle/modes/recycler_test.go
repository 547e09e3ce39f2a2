package modes

import (
	"sync"
	"testing"
	"time"
)

// fakeClock is a clock that a test sets.
type fakeClock struct {
	mu     sync.Mutex
	time   time.Time
	timers []*fakeTimer
}

type fakeTimer struct {
	at    time.Time
	every time.Duration // 0 for a timer that fires once
	c     chan time.Time
}

func (f *fakeClock) clock() clock {
	return clock{
		now:   f.now,
		after: func(d time.Duration) <-chan time.Time { return f.timer(d, 0) },
		tick:  func(d time.Duration) <-chan time.Time { return f.timer(d, d) },
	}
}

func (f *fakeClock) now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.time
}

func (f *fakeClock) timer(d, every time.Duration) <-chan time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := &fakeTimer{f.time.Add(d), every, make(chan time.Time, 1)}
	f.timers = append(f.timers, t)
	return t.c
}

// advance moves the time and fires what is due. As in package time, a tick that nobody has taken yet is not repeated.
func (f *fakeClock) advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.time = f.time.Add(d)
	var waiting []*fakeTimer
	for _, t := range f.timers {
		if t.at.After(f.time) {
			waiting = append(waiting, t)
			continue
		}
		select {
		case t.c <- f.time:
		default:
		}
		if t.every > 0 {
			t.at = f.time.Add(t.every)
			waiting = append(waiting, t)
		}
	}
	f.timers = waiting
}

// The buffers of the ageing tests: after a burst the recycler has idle ones, all of one length.
const (
	length = 10
	idle   = 50
)

// afterBurst is a recycler that was given buffers at the end of a burst.
func afterBurst(f *fakeClock, start func(Config, clock) *recycler) *recycler {
	m := start(Config{Age: time.Minute, Size: func() int { return length }}, f.clock())
	for range idle {
		m.Give(make([]byte, length))
	}
	return m
}

// traffic gets and gives, one buffer at a time, once a second.
func traffic(f *fakeClock, m *recycler, seconds int) {
	for range seconds {
		f.advance(time.Second)
		m.Give(m.Get(length))
	}
}

// keeps waits until the recycler keeps from least to most buffers: it stores and drops them in its own time.
func keeps(t *testing.T, m *recycler, least, most int, meanwhile func()) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		kept := int(m.Kept() / length)
		if kept >= least && kept <= most {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d idle buffers are kept, expected %d to %d", kept, least, most)
		}
		meanwhile()
	}
}

func startAny(aging func(clock, time.Duration) func() <-chan time.Time, sized bool) func(Config, clock) *recycler {
	return func(cfg Config, c clock) *recycler { return startRecycler(cfg, c, aging, sized) }
}

// TestFlaw shows the article's ageing: while there is traffic no buffer ever ages, and only silence frees them.
func TestFlaw(t *testing.T) {
	for name, sized := range map[string]bool{"recycler": false, "recycler-sized": true} {
		t.Run(name, func(t *testing.T) {
			f := new(fakeClock)
			m := afterBurst(f, startAny(clock.restarting, sized))
			traffic(f, m, 600)
			keeps(t, m, idle, idle+1, func() {})                      // a recycler that is not sized made one more
			keeps(t, m, 0, 1, func() { f.advance(61 * time.Second) }) // and has one at hand at all times
		})
	}
}

// TestMend shows the mended ageing: traffic goes on, and what it does not use is gone after a minute and a tick.
func TestMend(t *testing.T) {
	f := new(fakeClock)
	m := afterBurst(f, startAny(clock.running, false))
	traffic(f, m, 60)
	keeps(t, m, idle, idle+1, func() {})
	traffic(f, m, 60/ticksPerAge)
	// The tick has been sent; the recycler takes it when it next looks.
	keeps(t, m, 0, 2, func() { m.Give(m.Get(length)) })
}
