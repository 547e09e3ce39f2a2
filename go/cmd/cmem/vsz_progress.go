//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// progress tells what is being done: on a terminal in one line that is written anew each time;
// elsewhere by a line now and then, so that who waits sees that it goes on, and logs are not
// filled.
type progress struct {
	out      io.Writer // nil: nobody is told
	terminal bool

	mu    sync.Mutex
	what  string
	since time.Time
	stop  chan struct{}
}

// tellInterval is the time between two lines elsewhere.
const tellInterval = 10 * time.Second

func newProgress(out io.Writer, quiet bool) *progress {
	if quiet {
		return new(progress)
	}
	p := &progress{out: out, since: time.Now(), stop: make(chan struct{})}
	if f, ok := out.(*os.File); ok {
		_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
		p.terminal = err == nil
	}
	if !p.terminal {
		go p.tell(time.NewTicker(tellInterval))
	}
	return p
}

// tell writes a line at each tick, until done is called.
func (p *progress) tell(tick *time.Ticker) {
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.mu.Lock()
			fmt.Fprintf(p.out, "cmem: after %.0f s: %s\n", time.Since(p.since).Seconds(), p.what)
			p.mu.Unlock()
		case <-p.stop:
			return
		}
	}
}

// clearLine moves to the line's begin and clears it.
const clearLine = "\r\x1b[K"

func (p *progress) doing(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what = what
	if p.terminal {
		fmt.Fprint(p.out, clearLine, what)
	}
}

// done clears the line.
func (p *progress) done() {
	p.mu.Lock() // so that no line is written from now on
	defer p.mu.Unlock()
	switch {
	case p.terminal:
		fmt.Fprint(p.out, clearLine)
	case p.out != nil:
		p.out = io.Discard
		close(p.stop)
	}
}
