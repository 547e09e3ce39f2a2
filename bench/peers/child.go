package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/gocmem/cmem/bench/internal/bench"
	"github.com/gocmem/cmem/internal/ending"
)

// childEnv makes this program a child, which does what it reads from standard input, until that ends.
const childEnv = "CMEM_PEERS_CHILD"

// A request is one order to a child, a line of JSON; the answer is a reply, another line.
type request struct {
	Do   string        `json:"do"` // a key of orders
	Peer string        `json:"peer,omitempty"`
	Case workCase      `json:"case"`
	Ops  int           `json:"ops,omitempty"`
	Time time.Duration `json:"time,omitempty"`
	// Library is the one that the child was to preload.
	Library string `json:"library,omitempty"`
}

type reply struct {
	Ops    int    `json:"ops,omitempty"`
	Sample sample `json:"sample"`
	RSS    int64  `json:"rss,omitempty"`  // bytes
	Peak   int64  `json:"peak,omitempty"` // bytes
	Err    string `json:"err,omitempty"`
}

// A worker is what a child remembers: the sides that have begun.
type worker map[string]*localSide // by peer, for they are all at one case

// orders are what a child can do.
var orders = map[string]func(w worker, q *request, a *reply) error{
	"calibrate": func(w worker, q *request, a *reply) (err error) {
		if err = w.open(q); err == nil {
			a.Ops, err = w[q.Peer].calibrate(q.Time)
		}
		return err
	},
	"turn": func(w worker, q *request, a *reply) (err error) {
		a.Sample, err = w[q.Peer].turn(q.Ops)
		return err
	},
	"finish": func(w worker, q *request, _ *reply) error {
		defer delete(w, q.Peer)
		return w[q.Peer].finish()
	},
	// libmimalloc.so.2.0
	"preloaded": func(_ worker, q *request, _ *reply) error { return bench.CheckPreloaded(q.Library + "*") },
	"load": func(w worker, q *request, a *reply) error {
		if err := w.open(q); err != nil {
			return err
		}
		return w[q.Peer].load(q.Time, a)
	},
	"rss": func(_ worker, _ *request, a *reply) (err error) {
		a.RSS, err = rss()
		return err
	},
}

// childMain serves requests until in ends.
func childMain(in io.Reader, out io.Writer) error {
	w, requests, replies := make(worker), json.NewDecoder(in), json.NewEncoder(out)
	for {
		var q request
		err := requests.Decode(&q)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var a reply
		if err := w.serve(&q, &a); err != nil {
			a.Err = err.Error()
		}
		if err := replies.Encode(a); err != nil {
			return err
		}
	}
}

func (w worker) serve(q *request, a *reply) error {
	do := orders[q.Do]
	if do == nil {
		return fmt.Errorf("child: there is no order %q", q.Do)
	}
	return do(w, q, a)
}

// open makes the side that the request names.
func (w worker) open(q *request) error {
	p, err := findPeer(q.Peer)
	if err != nil {
		return err
	}
	side := newLocalSide(p, q.Case)
	if side == nil {
		return fmt.Errorf("child: %s takes no part in %v", q.Peer, q.Case)
	}
	w[q.Peer] = side
	return nil
}

// A child is this program once more, waiting for requests.
type child struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	replies *json.Decoder
	stderr  bytes.Buffer
}

// startChild starts one, with a library preloaded where it is not "".
func startChild(library string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.Command(self)}
	c.cmd.Env = append(os.Environ(), childEnv+"=1")
	if library != "" {
		c.cmd.Env = append(c.cmd.Env, "LD_PRELOAD="+library)
	}
	c.cmd.Stderr = &c.stderr
	ending.Bind(c.cmd)
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.replies = json.NewDecoder(out)
	return c, c.cmd.Start()
}

func (c *child) ask(q request) (reply, error) {
	var a reply
	err := json.NewEncoder(c.in).Encode(q)
	if err == nil {
		err = c.replies.Decode(&a)
	}
	switch {
	case err != nil:
		c.stop()
		return a, fmt.Errorf("child process: %s at %v: %w: %s", q.Do, q.Case, err, strings.TrimSpace(c.stderr.String()))
	case a.Err != "":
		return a, errors.New(a.Err)
	}
	return a, nil
}

// stop ends the child, which may have ended itself.
func (c *child) stop() {
	c.in.Close()
	c.cmd.Wait()
}

// A remoteSide runs in a child.
type remoteSide struct {
	child *child
	peer  string
	c     workCase
}

func (s *remoteSide) calibrate(d time.Duration) (int, error) {
	a, err := s.child.ask(request{Do: "calibrate", Peer: s.peer, Case: s.c, Time: d})
	return a.Ops, err
}

func (s *remoteSide) turn(ops int) (sample, error) {
	a, err := s.child.ask(request{Do: "turn", Peer: s.peer, Case: s.c, Ops: ops})
	return a.Sample, err
}

func (s *remoteSide) finish() error {
	_, err := s.child.ask(request{Do: "finish", Peer: s.peer, Case: s.c})
	return err
}
