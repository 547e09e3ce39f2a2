package main

import (
	"context"
	"math/rand/v2"
	"os"
	"time"

	"github.com/gocmem/cmem/examples/recycle/modes"
)

// The article's sizes: from smallestBuffer bytes to just below largestBuffer.
const (
	smallestBuffer = 5_000_000
	largestBuffer  = 10_000_000
)

func randomSize(r *rand.Rand) int { return smallestBuffer + r.IntN(largestBuffer-smallestBuffer) }

// sampleInterval is how often the memory is looked at.
const sampleInterval = time.Second

// A driver is the article's main loop. It holds buffers in slots; again and again it gets a buffer,
// puts it into a random slot, and gives back the one that was there.
//
// Its randomness begins anew with each phase, so that a mode that cannot keep up with the rate, and
// so leaves replacements out, still meets the other modes' sequence in the next.
type driver struct {
	mode   modes.Mode
	seed   uint64
	sample func(*driver) error // called at a phase's beginning and end, and every sampleInterval between

	phase    string
	slots    [][]byte
	live     int64 // bytes in the slots
	gets     int64
	tooSmall int64 // of these, how many got fewer bytes than they asked for
	rand     *rand.Rand
}

// run goes through the phases.
func (d *driver) run(ctx context.Context, phases []phase) error {
	for i, p := range phases {
		d.phase, d.rand = p.name, rand.New(rand.NewPCG(d.seed, uint64(i)))
		d.resize(p.live)
		if err := d.traffic(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// resize fills or empties slots, so that n buffers are held. The article's slots are empty at first
// and fill as they are hit; here every phase has its full number from the beginning.
func (d *driver) resize(n int) {
	for len(d.slots) < n {
		d.slots = append(d.slots, d.get())
	}
	for i, b := range d.slots[n:] {
		d.give(b)
		d.slots[n+i] = nil // or the collector finds it behind the slice's end
	}
	d.slots = d.slots[:n]
}

// traffic is a phase, once its slots are filled. It begins and ends with a sample.
func (d *driver) traffic(ctx context.Context, p phase) error {
	begin := time.Now()
	end := begin.Add(p.length)
	if err := d.sample(d); err != nil {
		return err
	}
	nextSample, nextReplace := begin.Add(sampleInterval), end
	if p.rate > 0 {
		nextReplace = begin
	}
	for done := 0; ; {
		next := nextSample
		if nextReplace.Before(next) {
			next = nextReplace
		}
		if end.Before(next) {
			next = end
		}
		if err := sleepUntil(ctx, next); err != nil {
			return err
		}
		now := time.Now()
		if !now.Before(end) {
			return d.sample(d)
		}
		if !now.Before(nextSample) {
			if err := d.sample(d); err != nil {
				return err
			}
			nextSample = nextSample.Add(sampleInterval)
		}
		if !now.Before(nextReplace) {
			d.replace()
			done++
			nextReplace = begin.Add(time.Duration(done) * time.Second / time.Duration(p.rate))
		}
	}
}

// replace is the article's step: first get, then give.
func (d *driver) replace() {
	b := d.get()
	i := d.rand.IntN(len(d.slots))
	d.give(d.slots[i])
	d.slots[i] = b
}

// get takes a buffer from the mode and writes to its every page, as its user would.
func (d *driver) get() []byte {
	n := randomSize(d.rand)
	b := d.mode.Get(n)
	for i := 0; i < len(b); i += pageSize {
		b[i] = byte(i)
	}
	d.gets++
	if len(b) < n {
		d.tooSmall++
	}
	d.live += int64(len(b))
	return b
}

func (d *driver) give(b []byte) {
	d.live -= int64(len(b))
	d.mode.Give(b)
}

var pageSize = os.Getpagesize()

// sleepUntil returns at t, or earlier with ctx's error.
func sleepUntil(ctx context.Context, t time.Time) error {
	d := time.Until(t)
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
