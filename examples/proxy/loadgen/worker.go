package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"time"

	"github.com/cespare/xxhash/v2"
)

// worker drives one connection. It alone uses its keys, so what they hold is
// known at any time.
type worker struct {
	run    *run
	rng    *rand.Rand
	client *client // nil when there is no connection
	keys   []keyState
	index  map[string]int // of a key in keys
}

// keyState is a key and what it holds. After a set that failed that is unknown,
// and the key is not read until it is set again.
type keyState struct {
	name  []byte
	body  body
	known bool
}

// newWorker returns the worker with the given number, of as many as there are
// connections, with its part of the keys.
func newWorker(r *run, number int) *worker {
	w := &worker{
		run:   r,
		rng:   rand.New(rand.NewPCG(r.opts.seed, uint64(number)+1)),
		index: make(map[string]int),
	}
	for k := number; k < r.opts.keys; k += r.opts.conns {
		name := fmt.Sprintf("loadgen-%x-%d", r.opts.seed, k)
		w.index[name] = len(w.keys)
		w.keys = append(w.keys, keyState{name: []byte(name)})
	}
	return w
}

// fill sets each key once.
func (w *worker) fill(ctx context.Context) {
	for i := range w.keys {
		w.do(ctx, func() error { return w.set(i) })
		if ctx.Err() != nil {
			return
		}
	}
}

// loop runs commands until ctx is done.
func (w *worker) loop(ctx context.Context) {
	opts := w.run.opts
	for ctx.Err() == nil {
		if opts.think > 0 {
			select {
			case <-time.After(opts.think):
			case <-ctx.Done():
				return
			}
		}
		i := w.rng.IntN(len(w.keys))
		switch {
		case !w.keys[i].known || w.rng.Float64() < opts.sets:
			w.do(ctx, timed(&w.run.sets, func() error { return w.set(i) }))
		case w.rng.Float64() < opts.multi:
			n := 2 + w.rng.IntN(3)
			w.do(ctx, timed(&w.run.gets, func() error { return w.get(i, n) }))
		default:
			w.do(ctx, timed(&w.run.gets, func() error { return w.get(i, 1) }))
		}
	}
}

// close ends the connection.
func (w *worker) close() {
	if w.client != nil {
		w.client.close()
	}
}

// reconnectPause keeps a proxy that is gone from being dialed without end.
const reconnectPause = 50 * time.Millisecond

// do runs one command, over a new connection if there is none. An error is
// counted, and costs the connection.
func (w *worker) do(ctx context.Context, command func() error) {
	var err error
	if w.client == nil {
		w.client, err = dial(ctx, w.run.opts.addr, w.run.corpus)
	}
	if err == nil {
		err = command()
	}
	if err == nil || ctx.Err() != nil && w.client == nil {
		return
	}
	w.run.fail(err)
	if w.client != nil {
		w.client.close()
		w.client = nil
	}
	select {
	case <-time.After(reconnectPause):
	case <-ctx.Done():
	}
}

// timed returns command so that it records how long it took, if it went well.
func timed(h *latencies, command func() error) func() error {
	return func() error {
		began := time.Now()
		err := command()
		if err == nil {
			h.record(time.Since(began))
		}
		return err
	}
}

// set gives key i a new body.
func (w *worker) set(i int) error {
	k := &w.keys[i]
	length := w.run.sizes.draw(w.rng)
	b := body{offset: w.rng.IntN(len(w.run.corpus.data) - length + 1), length: length}
	b.checksum = uint32(xxhash.Sum64(w.run.corpus.bytes(b)))
	k.known = false
	if err := w.client.set(k.name, b); err != nil {
		return err
	}
	k.body, k.known = b, true
	w.run.sent.Add(uint64(length))
	w.run.bodies.Add(1)
	w.run.bodyBytes.Add(uint64(length))
	return nil
}

// get reads n keys from i on, those that are known, with one command.
func (w *worker) get(i, n int) error {
	var names [][]byte
	for j := range min(n, len(w.keys)) {
		if k := w.keys[(i+j)%len(w.keys)]; k.known {
			names = append(names, k.name)
		}
	}
	found, bytes, err := w.client.get(names, func(key []byte) body { return w.keys[w.index[string(key)]].body })
	w.run.received.Add(uint64(bytes))
	w.run.hits.Add(uint64(found))
	if err == nil {
		w.run.misses.Add(uint64(len(names) - found))
	}
	return err
}

// loggedErrors is how many errors are logged.
const loggedErrors = 10

// fail counts an error, and logs it unless there were many before.
func (r *run) fail(err error) {
	if errors.Is(err, errMismatch) {
		r.mismatches.Add(1)
		log.Print(err)
	} else if r.errors.Add(1) <= loggedErrors {
		log.Print(err)
	}
}
