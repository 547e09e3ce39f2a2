package main

import "github.com/gocmem/cmem/cmem"

// An event is what a flight recorder keeps of a request: no Go pointers.
type event struct {
	At    int64 // nanoseconds
	Peer  [16]byte
	Bytes uint32
	Kind  uint16
}

// A ring has the last events. A million of them are 32 MB that the collector neither scans nor counts.
type ring struct {
	events []event
	next   int
	full   bool
}

func newRing(n int) *ring { return &ring{events: cmem.AllocSlice[event](n)} }

func (r *ring) free() {
	cmem.FreeSlice(r.events)
	r.events = nil
}

func (r *ring) add(e event) {
	r.events[r.next] = e
	if r.next++; r.next == len(r.events) {
		r.next, r.full = 0, true
	}
}

// last is a copy of the events, the oldest first.
func (r *ring) last() []event {
	if !r.full {
		return append([]event(nil), r.events[:r.next]...)
	}
	return append(append([]event(nil), r.events[r.next:]...), r.events[:r.next]...)
}
