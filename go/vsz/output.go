package vsz

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"sync"
)

// output keeps what a program prints on both its streams, and looks for a line in it.
type output struct {
	line    *regexp.Regexp // nil: none
	matched chan struct{}  // closed when line has matched

	mu      sync.Mutex
	head    []byte
	tail    []byte // what comes after head
	dropped int    // bytes between them
	match   string // the line that matched
	found   bool
}

// keep is how much of the head and of the tail is kept.
const keep = 64 << 10

func newOutput(line *regexp.Regexp) *output {
	return &output{line: line, matched: make(chan struct{})}
}

// stream returns a writer for one of the program's streams, each of which has its own lines.
func (o *output) stream() io.Writer { return &stream{out: o} }

type stream struct {
	out  *output
	part []byte // of a line that has not ended
}

func (s *stream) Write(data []byte) (int, error) {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.out.add(data)
	if s.out.line == nil || s.out.found {
		return len(data), nil
	}
	s.part = append(s.part, data...)
	for {
		line, rest, ended := bytes.Cut(s.part, []byte("\n"))
		if !ended {
			break
		}
		s.out.tryLine(string(line))
		s.part = rest
	}
	if len(s.part) > keep { // no line that anybody waits for
		s.part = nil
	}
	return len(data), nil
}

func (o *output) tryLine(line string) {
	if !o.found && o.line.MatchString(line) {
		o.found, o.match = true, line
		close(o.matched)
	}
}

func (o *output) add(data []byte) {
	if n := min(len(data), keep-len(o.head)); n > 0 {
		o.head, data = append(o.head, data[:n]...), data[n:]
	}
	o.tail = append(o.tail, data...)
	if over := len(o.tail) - keep; over > 0 {
		o.tail = append(o.tail[:0], o.tail[over:]...)
		o.dropped += over
	}
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.dropped > 0 {
		return fmt.Sprintf("%s\n[%d bytes left out]\n%s", o.head, o.dropped, o.tail)
	}
	return string(o.head) + string(o.tail)
}

func (o *output) hasMatched() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.found
}

// expand replaces "$1" and the like in template by what the line's expression matched.
func (o *output) expand(template string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.found {
		return template
	}
	return string(o.line.ExpandString(nil, template, o.match, o.line.FindStringSubmatchIndex(o.match)))
}
